//! Macros that run one SQL text with one list of values on either database.

/// `#[apply(from_row!)]` reads a struct from the columns of its fields' names. sqlx's derive macro does the same, but it
/// compiles both database drivers a second time, for the compiler.
macro_rules! from_row {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident: $kind:ty),* $(,)?
    }) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $kind),*
        }

        from_row!(@read sqlx::sqlite::SqliteRow, $name, $($field)*);
        from_row!(@read sqlx::postgres::PgRow, $name, $($field)*);
    };
    (@read $row:ty, $name:ident, $($field:ident)*) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> sqlx::Result<Self> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?),* })
            }
        }
    };
}

macro_rules! sent {
    ($tx:expr, $query:expr, $fetch:ident, $result:expr, $sql:expr $(, $value:expr)*) => {{
        let tx: &mut $crate::db::Tx = &mut *$tx;
        let sql = sqlx::SqlSafeStr::into_sql_str($sql);
        match tx.before(sql.as_str()).await {
            Err(error) => Err(error),
            Ok(()) => match tx {
                $crate::db::Tx::Sqlite(tx) => {
                    let result = $query(sql)$(.bind($value))*.$fetch(&mut **tx).await;
                    tx.after_statement(result.map($result))
                }
                $crate::db::Tx::Postgres(tx) => {
                    let persistent = tx.keeps_statements();
                    let limit = tx.limit();
                    let answer = $query(sql)$(.bind($value))*.persistent(persistent).$fetch(&mut **tx);
                    let result = $crate::db::deadlines::bounded(limit, answer).await;
                    tx.after_statement(result.map($result))
                }
            },
        }
    }};
}

macro_rules! rows {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        sent!($tx, sqlx::query_as::<_, $row>, fetch_all, |rows| rows, $sql $(, $value)*)
    };
}

macro_rules! row {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        sent!($tx, sqlx::query_as::<_, $row>, fetch_optional, |row| row, $sql $(, $value)*)
    };
}

/// Runs a statement and returns the number of changed rows.
macro_rules! run {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        sent!($tx, sqlx::query, execute, |done| done.rows_affected(), $sql $(, $value)*)
    };
}
