//! Which copy of a cluster is kept: the policy, what records say, and the reason that is given.

pub(crate) mod column;
pub(crate) mod policy;
pub(crate) mod reason;
pub(crate) mod value;
