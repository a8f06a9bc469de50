//! Schemas of texts that have a fixed set of values.

use crate::domain::{Impact, MaintenancePhase, Phase, Status};

/// A type that names the values of a text for [`schemars::JsonSchema`]; it has no values itself.
macro_rules! text_values {
    ($($(#[$doc:meta])* $type:ident = $values:expr;)+) => {$(
        $(#[$doc])*
        pub enum $type {}

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let values: Vec<&str> = $values.collect();
                schemars::json_schema!({ "type": "string", "enum": values })
            }
        }
    )+};
}

pub(crate) use text_values;

text_values! {
    /// The status of a component.
    StatusKey = Status::ALL.into_iter().map(Status::key);
    /// The status of an incident or a maintenance. A cancelled maintenance is reported as completed.
    EntryStatusKey = Phase::ALL.into_iter().map(Phase::key).chain(["postmortem"]).chain(maintenance_keys());
    ImpactKey = Impact::ALL.into_iter().map(Impact::key);
    /// The page's overall status.
    IndicatorKey = Impact::ALL.into_iter().map(Impact::key);
}

/// The statuses of a maintenance that the API has.
pub fn maintenance_keys() -> impl Iterator<Item = &'static str> {
    let reported = |phase: &MaintenancePhase| *phase != MaintenancePhase::Cancelled;
    MaintenancePhase::ALL.into_iter().filter(reported).map(MaintenancePhase::key)
}
