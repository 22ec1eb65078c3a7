//! The messages of `envoy.service.ratelimit.v3` (`envoy/service/ratelimit/v3/rls.proto`), as far as they are used: an
//! answer's other fields are skipped, as protobuf demands. Written by hand for `prost`, since generating them takes a
//! compiler that nobody should have to install.
