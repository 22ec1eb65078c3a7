//! base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).
