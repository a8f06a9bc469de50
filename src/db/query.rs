//! The dispatch: one SQL text and one list of values for whichever database the transaction is of.

/// Every row of a query, as `$row`.
macro_rules! rows {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = &mut *$tx;
        match tx {
            $crate::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(&mut **tx).await,
            $crate::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(&mut **tx).await,
        }
        .map_err($crate::db::Error::from)
    }};
}

/// The one row of a query, as `$row`, if there is one.
macro_rules! row {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = &mut *$tx;
        match tx {
            $crate::db::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(&mut **tx).await,
            $crate::db::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(&mut **tx).await,
        }
        .map_err($crate::db::Error::from)
    }};
}

/// Runs a statement; gives the number of rows it changed.
macro_rules! run {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {{
        let tx: &mut $crate::db::Tx = &mut *$tx;
        match tx {
            $crate::db::Tx::Sqlite(tx) => {
                sqlx::query($sql)$(.bind($value))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            $crate::db::Tx::Postgres(tx) => {
                sqlx::query($sql)$(.bind($value))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::db::Error::from)
    }};
}
