//! Chooses the document of a cluster that is kept: the policy, the fields that it compares, and the reported reason.

pub(crate) mod column;
pub(crate) mod policy;
pub(crate) mod reason;
pub(crate) mod value;
