use tollgate::{Config, HttpFilter, TcpFilter};

#[derive(Config)]
struct Mine {}

#[tollgate::filter]
impl HttpFilter for Mine {}

#[derive(Config)]
struct OfConnections {}

#[tollgate::filter]
impl TcpFilter for OfConnections {
    fn on_new_connection(&self, _: &mut tollgate::tcp::Connection<'_, Self>) -> tollgate::Result {
        Ok(tollgate::Flow::Continue)
    }
}

tollgate::module!(Mine, OfConnections);

fn main() {}
