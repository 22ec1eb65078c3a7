//! To be written.
use proc_macro as _;
