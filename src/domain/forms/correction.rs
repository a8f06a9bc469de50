use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Fields, parse_required_line};
use crate::domain::parse_time::{parse_local, parse_zone};
use crate::domain::uptime_correction::MAX_REASON;
use crate::domain::{Component, CorrectionId, Invalid, Status, UptimeCorrection};
use crate::format::time::format_day;

#[derive(Clone, Debug, Default)]
pub struct CorrectionForm {
    pub started_at: String,
    pub ended_at: String,
    /// The time zone of the two times.
    pub zone: String,
    pub status: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct NewCorrection {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub status: Status,
    pub reason: String,
}

impl CorrectionForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            started_at: fields.text("started_at"),
            ended_at: fields.text("ended_at"),
            zone: fields.text("zone"),
            status: fields.text("status"),
            reason: fields.text("reason"),
        }
    }

    pub fn parse(&self) -> Result<NewCorrection, Invalid> {
        let mut invalid = Invalid::new();
        let zone = invalid.take("zone", parse_zone(&self.zone));
        let from = zone.and_then(|zone| invalid.take("started_at", parse_local(&self.started_at, zone)));
        let to = zone.and_then(|zone| invalid.take("ended_at", parse_local(&self.ended_at, zone)));
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            invalid.add("ended_at", "The end must be after the start.");
        }
        let status = Status::from_key(&self.status).ok_or_else(|| "Choose a status from the list.".to_owned());
        let status = invalid.take("status", status);
        let reason = parse_required_line(&self.reason, MAX_REASON, "Enter a reason (shown publicly).");
        let reason = invalid.take("reason", reason);
        match (from, to, status, reason) {
            (Some(from), Some(to), Some(status), Some(reason)) if invalid.is_empty() => {
                Ok(NewCorrection { from, to, status, reason })
            }
            _ => Err(invalid),
        }
    }
}

impl NewCorrection {
    /// Rejects a correction that ends in the future or before the component's history, or overlaps one of `others`.
    pub fn into_correction(
        self,
        component: &Component,
        zone: Tz,
        id: CorrectionId,
        others: &[UptimeCorrection],
        now: DateTime<Utc>,
    ) -> Result<UptimeCorrection, Invalid> {
        if self.to > now {
            return Err(Invalid::field("ended_at", "The end can't be in the future."));
        }
        let start = component.history_start(zone);
        if self.to <= start {
            let begins = format!("The history of this component begins on {}.", format_day(start, zone));
            return Err(Invalid::field("ended_at", begins));
        }
        if others.iter().any(|other| other.overlaps(self.from, self.to)) {
            return Err(Invalid::field("started_at", "This overlaps an existing correction."));
        }
        Ok(UptimeCorrection {
            id,
            component_id: component.id.clone(),
            from: self.from,
            to: self.to,
            status: self.status,
            reason: self.reason,
            created_at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::component::tests::component;

    fn form() -> CorrectionForm {
        CorrectionForm {
            started_at: "2026-11-03T10:00".into(),
            ended_at: "2026-11-03T11:00".into(),
            zone: "Europe/Berlin".into(),
            status: "operational".into(),
            reason: "Only the probe was down.".into(),
        }
    }

    fn of(form: &CorrectionForm, others: &[UptimeCorrection]) -> Result<UptimeCorrection, Invalid> {
        let now = "2026-11-10T12:00:00Z".parse().unwrap();
        let component = component(Status::Operational);
        form.parse()?.into_correction(&component, Tz::UTC, CorrectionId::parse("c").unwrap(), others, now)
    }

    #[test]
    fn correction_ends_after_the_history_begins() {
        let correct = |start_date| {
            let component = Component { start_date, ..component(Status::Operational) };
            let (id, now) = (CorrectionId::parse("c").unwrap(), "2026-11-10T12:00:00Z".parse().unwrap());
            form().parse().unwrap().into_correction(&component, Tz::UTC, id, &[], now)
        };
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day);
        assert!(correct(day(3)).is_ok());
        let early = correct(day(4)).unwrap_err();
        assert_eq!(early.get("ended_at"), Some("The history of this component begins on 4 Nov 2026."));
    }

    #[test]
    fn correction_is_past_ordered_and_not_overlapping() {
        let first = of(&form(), &[]).unwrap();
        assert_eq!(first.from.to_rfc3339(), "2026-11-03T09:00:00+00:00");
        let wrong = |change: &dyn Fn(&mut CorrectionForm), others: &[UptimeCorrection]| {
            let mut form = form();
            change(&mut form);
            of(&form, others).unwrap_err()
        };
        assert!(wrong(&|form| form.ended_at = form.started_at.clone(), &[]).get("ended_at").is_some());
        assert!(
            wrong(&|form| form.ended_at = "2026-12-01T10:00".into(), &[]).get("ended_at").unwrap().contains("future")
        );
        assert!(wrong(&|form| form.reason.clear(), &[]).get("reason").is_some());
        assert!(
            wrong(&|form| form.started_at = "2026-11-03T10:59".into(), std::slice::from_ref(&first))
                .get("started_at")
                .is_some()
        );
        let mut next = form();
        (next.started_at, next.ended_at) = ("2026-11-03T11:00".into(), "2026-11-03T12:00".into());
        assert!(of(&next, &[first]).is_ok(), "one begins where the other ends");
    }
}
