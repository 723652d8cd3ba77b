//! A pool of working memory that threads borrow and return.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// A pool of values. It outlives the loops of a run, so that each loop does not allocate its own.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

/// A value of a pool, which returns to it when dropped.
pub(crate) struct Lent<'p, T: Default> {
    pool: &'p Pool<T>,
    memory: T,
}

impl<T: Default> Pool<T> {
    /// The value that was returned last, or a new one.
    pub(crate) fn lend(&self) -> Lent<'_, T> {
        let given_back = self.0.lock().ok().and_then(|mut pool| pool.pop());
        Lent {
            pool: self,
            memory: given_back.unwrap_or_default(),
        }
    }
}

impl<T> Clone for Pool<T> {
    /// A pool of its own, without values.
    fn clone(&self) -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.memory
    }
}

impl<T: Default> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.memory
    }
}

impl<T: Default> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if let Ok(mut pool) = self.pool.0.lock() {
            pool.push(std::mem::take(&mut self.memory));
        }
    }
}
