//! What is said about source code: findings of analysers, and who owns which file.

pub(crate) mod codeowners;
pub(crate) mod github_actions;
pub(crate) mod sarif;
