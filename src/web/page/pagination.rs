//! Pagination of lists by cursor.

const PAGE_SIZE: usize = 50;

/// One more than a page, to know whether another page follows.
pub const READ_LIMIT: i64 = PAGE_SIZE as i64 + 1;

/// Truncates `read` to a page; returns the cursor of its last row if more rows follow.
pub fn take_page<T, P: ToString>(read: &mut Vec<T>, place: impl Fn(&T) -> Option<P>) -> Option<String> {
    let follows = read.len() > PAGE_SIZE;
    read.truncate(PAGE_SIZE);
    let last = read.last().filter(|_| follows)?;
    place(last).map(|place| place.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_last_page_has_no_cursor() {
        let cut_of = |count: usize| {
            let mut read: Vec<usize> = (1..=count).collect();
            let more = take_page(&mut read, |number| Some(*number));
            (read.len(), more)
        };
        assert_eq!(cut_of(0), (0, None));
        assert_eq!(cut_of(PAGE_SIZE), (PAGE_SIZE, None));
        assert_eq!(cut_of(PAGE_SIZE + 1), (PAGE_SIZE, Some(PAGE_SIZE.to_string())));
    }
}
