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
    of_one_module_and_name_they_share_a_root_context: both("a", "a");
    of_one_module_they_share_a_vm: both("a", "b");
}
