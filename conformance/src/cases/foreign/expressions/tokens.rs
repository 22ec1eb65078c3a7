//! When expressions can be created, evaluated and deleted.

use super::{create, delete, evaluate, evaluated};
use crate::Case;
use crate::script::calls::{foreign, reply, set_context, set_tick};
use crate::script::{Arg, Step};
use tollgate_host_test::Request;

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("foreign/tokens/{name}"), title)
}

/// Returns a `1` in this many nested brackets.
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
        case("used-up", "an expression with an unknown function uses up a token; an expression with a syntax error does not")
            .on("request_headers", [create("foo(1)"), create("1"), create("1 +"), create("1")]),
        case("twice", "an expression can be evaluated several times").on("request_headers", [
            create("request.method"),
            evaluate(),
            evaluate(),
        ]),
        case("deleted", "a deleted expression returns NotFound, and can be deleted again").on("request_headers", [
            create("1"),
            delete(),
            evaluate(),
            delete(),
        ]),
        case("unknown", "an unknown token returns NotFound").on("request_headers", [
            token(b"\xff\xff\xff\xff"),
            foreign("expr_delete", b"\xff\xff\xff\xff"),
        ]),
        case("wrong-size", "a token that is not 4 bytes long returns BadArgument").on("request_headers", [
            token(b""),
            token(b"\0"),
            token(b"\0\0\0\0\0"),
            foreign("expr_delete", b""),
            foreign("expr_delete", b"\0\0\0\0\0\0\0\0"),
        ]),
        case("later", "an expression from one callback can be evaluated in another")
            .on("request_headers", [create("response.code")])
            .on("response_headers", [evaluate()])
            .on("log", [evaluate(), delete()]),
        case("phases", "an expression sees what is accessible when it is evaluated")
            .on("request_headers", [create("request.path"), evaluate()])
            .on("request_body", [evaluate()])
            .on("response_headers", [evaluate()])
            .on("log", [evaluate(), delete()])
            .request(Request::post("/", "body")),
        case("root", "an expression in a root context sees the plugin and no request")
            .on("request_headers", {
                let root = [set_context(Arg::Root)].into_iter();
                root.chain(evaluated("plugin_name")).chain(evaluated("request.path")).chain(evaluated("1 + 1")).collect::<Vec<_>>()
            }),
        case("tick", "on_tick can evaluate an expression for the stream that it makes effective")
            .on("request_headers", [create("request.method"), set_tick(20), Step::Return(1)])
            .on("tick", [
                set_tick(0),
                evaluate(),
                set_context(Arg::Stream),
                evaluate(),
                delete(),
                reply(200, "", "done", "", -1),
            ]),
        case("other-filter", "each root context has its own tokens")
            .on("request_headers", [create("\"of the first\"")])
            .on_filter(1, "request_headers", [create("\"of the second\""), evaluate(), token(b"\0\0\0\0")])
            .on("response_headers", [evaluate()]),
        case("empty", "an empty expression is rejected").on("request_headers", [create(""), create(" "), create("\n")]),
        case("non-utf8", "an expression that is not valid UTF-8 is rejected").on("request_headers", [
            create(b"\"\xff\""),
            create(b"1 \xff"),
            create(b"1\0"),
        ]),
        case("deep", "32 nested parentheses are accepted, 33 are rejected")
            .on("request_headers", [create(nested("(", 32, ")")), evaluate(), create(nested("(", 33, ")"))]),
        case("deep-lists", "an expression can have 32 levels").on("request_headers", [
            create(nested("[", 31, "]")),
            evaluate(),
            create(nested("[", 32, "]")),
        ]),
        case("deep-calls", "each nested call is a level").on("request_headers", [
            create(nested("int(", 31, ")")),
            evaluate(),
            create(nested("int(", 32, ")")),
        ]),
        case("deep-macros", "a macro counts as one level, not as the levels of its expansion").on("request_headers", [
            create(nested("[1].map(x, ", 30, ")")),
            create(nested("[1].map(x, ", 31, ")")),
        ]),
        case("deep-sums", "each addition is a level").on("request_headers", [
            create(format!("1{}", " + 1".repeat(31))),
            evaluate(),
            create(format!("1{}", " + 1".repeat(32))),
        ]),
        case("deep-paths", "each step of a path is a level").on("request_headers", [
            create(format!("a{}", ".a".repeat(31))),
            create(format!("a{}", ".a".repeat(32))),
            create(format!("a{}", "[0]".repeat(32))),
        ]),
        case("wide", "a chain of `&&`, a run of `!` and a long list add no levels").on("request_headers", [
            create(format!("true{}", " && true".repeat(200))),
            evaluate(),
            create(format!("{}true", "!".repeat(200))),
            evaluate(),
            create(format!("[1{}]", ", 1".repeat(200))),
        ]),
        case("long", "a long sum is accepted").on("request_headers", [
            create(format!("1{}", " + 1".repeat(20))),
            evaluate(),
        ]),
        case("many-lines", "an expression can have several lines and comments").on("request_headers", [
            create("1 // one\n + // and\n 1"),
            evaluate(),
        ]),
    ]
}
