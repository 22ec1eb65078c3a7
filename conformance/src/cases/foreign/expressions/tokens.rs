//! When expressions are created, evaluated and deleted.

use super::{create, delete, evaluate, evaluated};
use crate::Case;
use crate::script::calls::{foreign, reply, set_context, set_tick};
use crate::script::{Arg, Step};
use tollgate_host_test::Request;

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("foreign/tokens/{name}"), says)
}

/// A one within so many brackets.
fn nested(open: &str, levels: usize, close: &str) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

pub fn cases() -> Vec<Case> {
    let token = |bytes: &'static [u8]| foreign("expr_evaluate", bytes);
    vec![
        case("numbered", "tokens are numbered from 0 in each root context").on("request_headers", [
            create("1"),
            create("2"),
            create("3"),
        ]),
        case("used-up", "an expression that is refused for what it calls uses up a token, one that does not parse does not")
            .on("request_headers", [create("foo(1)"), create("1"), create("1 +"), create("1")]),
        case("twice", "an expression can be evaluated again").on("request_headers", [
            create("request.method"),
            evaluate(),
            evaluate(),
        ]),
        case("deleted", "one that is deleted is NotFound, and may be deleted again").on("request_headers", [
            create("1"),
            delete(),
            evaluate(),
            delete(),
        ]),
        case("unknown", "a token that nobody got is NotFound").on("request_headers", [
            token(b"\xff\xff\xff\xff"),
            foreign("expr_delete", b"\xff\xff\xff\xff"),
        ]),
        case("wrong-size", "what is not four bytes is BadArgument").on("request_headers", [
            token(b""),
            token(b"\0"),
            token(b"\0\0\0\0\0"),
            foreign("expr_delete", b""),
            foreign("expr_delete", b"\0\0\0\0\0\0\0\0"),
        ]),
        case("later", "an expression of one callback can be evaluated in another")
            .on("request_headers", [create("response.code")])
            .on("response_headers", [evaluate()])
            .on("log", [evaluate(), delete()]),
        case("phases", "an expression sees what is in reach when it is evaluated")
            .on("request_headers", [create("request.path"), evaluate()])
            .on("request_body", [evaluate()])
            .on("response_headers", [evaluate()])
            .on("log", [evaluate(), delete()])
            .request(Request::post("/", "body")),
        case("root", "in a root context the plugin is there, and no request")
            .on("request_headers", {
                let root = [set_context(Arg::Root)].into_iter();
                root.chain(evaluated("plugin_name")).chain(evaluated("request.path")).chain(evaluated("1 + 1")).collect::<Vec<_>>()
            }),
        case("tick", "a tick can evaluate for a stream that it puts into effect")
            .on("request_headers", [create("request.method"), set_tick(20), Step::Return(1)])
            .on("tick", [
                set_tick(0),
                evaluate(),
                set_context(Arg::Stream),
                evaluate(),
                delete(),
                reply(200, "", "done", "", -1),
            ]),
        case("other-filter", "each root context has tokens of its own")
            .on("request_headers", [create("\"of the first\"")])
            .on_filter(1, "request_headers", [create("\"of the second\""), evaluate(), token(b"\0\0\0\0")])
            .on("response_headers", [evaluate()]),
        case("empty", "an empty expression is refused").on("request_headers", [create(""), create(" "), create("\n")]),
        case("non-utf8", "an expression that is no UTF-8 is refused").on("request_headers", [
            create(b"\"\xff\""),
            create(b"1 \xff"),
            create(b"1\0"),
        ]),
        case("deep", "32 brackets within each other are taken, and 33 are refused")
            .on("request_headers", [create(nested("(", 32, ")")), evaluate(), create(nested("(", 33, ")"))]),
        case("deep-lists", "an expression may have 32 levels").on("request_headers", [
            create(nested("[", 31, "]")),
            evaluate(),
            create(nested("[", 32, "]")),
        ]),
        case("deep-calls", "calls are levels").on("request_headers", [
            create(nested("int(", 31, ")")),
            evaluate(),
            create(nested("int(", 32, ")")),
        ]),
        case("deep-macros", "a macro is the level that is written, not those that it stands for").on("request_headers", [
            create(nested("[1].map(x, ", 30, ")")),
            create(nested("[1].map(x, ", 31, ")")),
        ]),
        case("deep-sums", "each sum is a level").on("request_headers", [
            create(format!("1{}", " + 1".repeat(31))),
            evaluate(),
            create(format!("1{}", " + 1".repeat(32))),
        ]),
        case("deep-paths", "each step of a path is a level").on("request_headers", [
            create(format!("a{}", ".a".repeat(31))),
            create(format!("a{}", ".a".repeat(32))),
            create(format!("a{}", "[0]".repeat(32))),
        ]),
        case("wide", "a chain of and, a run of not and a long list are no levels").on("request_headers", [
            create(format!("true{}", " && true".repeat(200))),
            evaluate(),
            create(format!("{}true", "!".repeat(200))),
            evaluate(),
            create(format!("[1{}]", ", 1".repeat(200))),
        ]),
        case("long", "a long sum is taken").on("request_headers", [
            create(format!("1{}", " + 1".repeat(20))),
            evaluate(),
        ]),
        case("many-lines", "an expression may have several lines and a comment").on("request_headers", [
            create("1 // one\n + // and\n 1"),
            evaluate(),
        ]),
    ]
}
