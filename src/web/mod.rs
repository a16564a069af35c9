//! The unprivileged page.
