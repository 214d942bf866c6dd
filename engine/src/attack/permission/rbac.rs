//! Kubernetes roles.
