//! How lists are cut into pages: so many on one, and the place behind which the next begins.

/// How many stand on one page of a list.
const LISTED: usize = 50;

/// How many are read for one page: one more tells whether another page follows.
pub const READ: i64 = LISTED as i64 + 1;

/// Leaves on the page what belongs there; gives the `place` of its last where more follow.
pub fn cut<T, P: ToString>(read: &mut Vec<T>, place: impl Fn(&T) -> Option<P>) -> Option<String> {
    let follows = read.len() > LISTED;
    read.truncate(LISTED);
    let last = read.last().filter(|_| follows)?;
    place(last).map(|place| place.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_that_nothing_follows_is_the_last() {
        let cut_of = |count: usize| {
            let mut read: Vec<usize> = (1..=count).collect();
            let more = cut(&mut read, |number| Some(*number));
            (read.len(), more)
        };
        assert_eq!(cut_of(0), (0, None));
        assert_eq!(cut_of(LISTED), (LISTED, None));
        assert_eq!(cut_of(LISTED + 1), (LISTED, Some(LISTED.to_string())));
    }
}
