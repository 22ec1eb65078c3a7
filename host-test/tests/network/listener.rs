//! Filters of both kinds in one proxy.

use crate::both::{Told, agree, talks};
use tollgate_host_test::{Request, Scenario};

fn both(http: &'static str, network: &'static str) -> Scenario {
    let filter = Told::new("a").filter();
    Scenario::new()
        .filter(filter.clone().named(http))
        .network_filter(filter.named(network))
        .request(Request::get("/"))
        .connection(talks())
}

agree! {
    equal_modules_and_names_share_a_root_context: both("a", "a");
    equal_modules_share_a_vm: both("a", "b");
}
