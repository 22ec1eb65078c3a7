//! Behaviour of the language.

use super::{evaluate, failure};

/// Checks that each text is true.
#[track_caller]
fn all_true(texts: &[&str]) {
    for text in texts {
        assert_eq!(evaluate(text), Ok(true), "{text}");
    }
}

#[track_caller]
fn all_fail(reason: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(failure(text), reason, "{text}");
    }
}

#[test]
fn literals() {
    all_true(&[
        "0x1F == 31 && 0xffu == 255u",
        "-0x8 == -8",
        "-9223372036854775808 < 0",
        "18446744073709551615u > 1u",
        "1.5e3 == 1500.0 && .5 == 0.5 && 1e-2 == 0.01 && 2E2 == 200.0",
        "'a' == \"a\"",
        r#"'\a\b\f\n\r\t\v\\\?\'\"\`'.size() == 12"#,
        r#"'\x41\101\u0041\U00000041' == 'AAAA'"#,
        r#"'\xff' == 'ÿ' && '\377' == 'ÿ'"#,
        r#"b'\xff' != b'ÿ' && b'ÿ' == b'\xc3\xbf' && b'\303\277' == bytes('ÿ')"#,
        r#"r'\n'.size() == 2 && R"\\" == '\\\\' && br'\x' == b'\\x' && bR'\x' == BR"\x""#,
        "'''a\n'b''' == 'a\\n\\'b'",
        "\"\"\"\"a\"\"\" == '\"a'",
        "r'''\\''' == '\\\\'",
        "'' == \"\" && '''''' == ''",
        "null == null && true != false",
        "[1, 2,] == [1, 2] && {'a': 1,} == {'a': 1} && [] == [] && {} == {}",
        "// a comment\ntrue // another",
        "'// no comment' == '// no comment'",
        "\ttrue\r\n\x0c",
    ]);
}

#[test]
fn precedence() {
    all_true(&[
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 2 - 3 == 5",
        "24 / 4 / 2 == 3",
        "7 % 4 + 1 == 4",
        "true || false && false",
        "!false && true",
        "!!true",
        "- -1 == 1 && --1 == 1",
        "-1 + 2 == 1 && 2 -1 == 1 && 2-1 == 1",
        "false ? false : true ? true : false",
        "(true ? 1 : 2) == 1",
        "true ? true || false : 1 == 2",
        "1 < 2 == true",
        "!(1 in [2])",
        "2 in [1, 2] && 'a' in {'a': 1}",
        "[1, 2][1] + 1 == 3",
        "{'a': {'b': [5]}}.a.b[0] == 5",
        "-[1][0] == -1",
    ]);
}

#[test]
fn logical_operators_absorb_errors() {
    // `1 / 0` fails.
    all_true(&[
        "true || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "!(false && 1 / 0 == 1)",
        "!(1 / 0 == 1 && false)",
        "1 / 0 == 1 || 2 / 0 == 1 || true",
        "true || request.method.size() / 0 == 1",
        "dyn(1) || true",
        "!(dyn('a') && false)",
        "true ? true : 1 / 0 == 1",
        "[0, 1].exists(x, 1 / x == 1)",
        "!([0, 2].all(x, 1 / x == 1))",
        "[1, 0].exists(x, 1 / x == 1)",
    ]);
    all_fail(
        "division by zero",
        &[
            "1 / 0 == 1 || false",
            "false || 1 / 0 == 1",
            "1 / 0 == 1 && true",
            "true && 1 / 0 == 1",
            "(1 / 0 == 1) ? true : true",
            "[0, 1].all(x, 1 / x == 1)",
            "[0].exists(x, 1 / x == 1)",
            "[0, 1].exists_one(x, 1 / x == 1)",
            "[0, 1].map(x, 1 / x) == [1]",
            "[0, 1].filter(x, 1 / x == 1) == [1]",
            "!(1 / 0 == 1)",
            "[1 / 0] == [1]",
            "{'a': 1 / 0} == {}",
        ],
    );
    all_fail("no such overload", &["dyn(1) || false", "dyn(1) ? true : true", "!dyn(1)", "[1].all(x, x)"]);
}

#[test]
fn arithmetic_detects_overflow() {
    all_fail(
        "overflow",
        &[
            "9223372036854775807 + 1 > 0",
            "-9223372036854775808 - 1 < 0",
            "9223372036854775807 * 2 > 0",
            "-9223372036854775808 / -1 > 0",
            "-9223372036854775808 % -1 == 0",
            "-(-9223372036854775808) > 0",
            "0u - 1u > 0u",
            "18446744073709551615u + 1u > 0u",
            "18446744073709551615u * 2u > 0u",
            "timestamp('9999-12-31T23:59:59Z') + duration('1s') == timestamp(0)",
            "timestamp('9999-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z') == duration('1s')",
            "duration('9223372036s') + duration('1s') == duration('0')",
        ],
    );
    all_fail("division by zero", &["1 / 0 == 0", "1 % 0 == 0", "1u / 0u == 0u", "1u % 0u == 0u"]);
    all_true(&[
        "-7 / 2 == -3 && -7 % 2 == -1",
        "1.0 / 0.0 > 1e308",
        "0.0 / 0.0 != 0.0 / 0.0",
        "!(0.0 / 0.0 < 1.0) && !(0.0 / 0.0 >= 1.0)",
        "1.5 + 1.5 == 3.0 && 1.5 * 2.0 == 3.0 && 1.5 - 0.5 == 1.0",
        "'a' + 'b' == 'ab' && b'a' + b'b' == b'ab' && [1] + [2] == [1, 2]",
    ]);
    all_fail("no such overload", &["dyn(1) + 1u == 2", "dyn(1) + 1.0 == 2.0", "dyn(1.0) % dyn(1.0) == 0.0"]);
}

#[test]
fn numbers_compare_across_types() {
    all_true(&[
        "1 == 1u && 1u == 1.0 && 1 == 1.0",
        "1 < 2u && 2u > 1.5 && 1.5 >= 1 && -1 < 0u",
        "9223372036854775807 != 9223372036854775808.0",
        "9223372036854775807 < 9223372036854775808u",
        "1u in [1] && 1.0 in [1u]",
        "{1: 'a'}[1u] == 'a' && {1: 'a'}[1.0] == 'a'",
        "[1, 2][1u] == 2 && [1, 2][1.0] == 2",
        "[1] == [1.0] && {'a': 1} == {'a': 1u}",
        "dyn(1) != 'a' && dyn('1') != 1 && dyn(null) != false && dyn([]) != {}",
        "dyn(b'a') != 'a'",
        "'a' < 'b' && 'a' < 'aa' && 'Z' < 'a' && b'a' < b'b' && false < true",
        "'é' > 'z'",
    ]);
    all_fail(
        "no such overload",
        &["dyn(1) < 'a'", "dyn([1]) < dyn([2])", "dyn(null) < dyn(null)", "dyn(true) < 1"],
    );
}

#[test]
fn lists_and_maps() {
    all_true(&[
        "size([1, 2]) == 2 && {'a': 1}.size() == 1 && 'äö'.size() == 2 && size(b'ä') == 2",
        "{true: 1, 2: 'b', 3u: 'c', 'd': 4}[3] == 'c'",
        "{'a': null}['a'] == null",
        "!('b' in {'a': 1}) && !(null in {'a': 1}) && 1.5 in [1.5]",
        "{'a': 1, 'b': 2} == {'b': 2, 'a': 1} && {'a': 1} != {'a': 2} && {'a': 1} != {'b': 1}",
        "[[1], {'a': [2]}] == [[1], {'a': [2]}]",
    ]);
    all_fail("no such key", &["{'a': 1}['b'] == 1", "{'a': 1}.b == 1", "{1: 1}[2] == 1", "{}[1.5] == 1"]);
    all_fail("index out of range", &["[1][1] == 1", "[1][-1] == 1", "[1][0.5] == 1", "[][0] == 1"]);
    all_fail(
        "no such overload",
        &["dyn([1])['a'] == 1", "dyn('a')[0] == 'a'", "dyn(1).a == 1", "1 in dyn('a')"],
    );
    all_fail(
        "invalid or repeated key",
        &["{'a': 1, 'a': 2} == {}", "{1: 1, 1u: 2} == {}", "{dyn(null): 1} == {}"],
    );
}

#[test]
fn macros() {
    all_true(&[
        "[1, 2].all(x, x > 0) && [].all(x, false) && ![1, 2].all(x, x > 1)",
        "[1, 2].exists(x, x == 2) && ![].exists(x, true)",
        "[1, 2].exists_one(x, x == 2) && ![2, 2].exists_one(x, x == 2) && ![].existsOne(x, true)",
        "[1, 2].map(x, x * 2) == [2, 4] && [1, 2].map(x, x > 1, x * 2) == [4]",
        "[1, 2].filter(x, x > 1) == [2]",
        "{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && {'a': 1}.map(k, k) == ['a']",
        "{'a': 1, 'b': 2}.exists(k, {'a': 1, 'b': 2}[k] == 2)",
        "[1, 2].all(x, [1, 2].exists(y, y == x)) && [[1], [2]].all(x, x.all(x, x < 3))",
        "[1].map(x, [2].map(y, [x, y])) == [[[1, 2]]]",
        "[[1, 2], [3]].map(x, x.filter(y, y > 1)) == [[2], [3]]",
        "[1].all(request, request == 1) && [1].all(request, .request.method == 'GET')",
        "['GET'].exists(m, m == request.method)",
        "has({'a': 1}.a) && !has({'a': 1}.b) && has({'a': null}.a) && !has({}.a)",
        "has({'a': {'b': 1}}.a.b)",
        "[1, 2].filter(x, x > 0).map(x, x + 1).exists(x, x == 3)",
    ]);
    all_fail("no such overload", &["dyn('a').all(x, true)", "has(dyn(1).a)", "[1].filter(x, x) == []"]);
    // An absorbed error inside of a macro leaves no variable.
    all_true(&[
        "[0].exists(x, [1].map(y, y / x) == []) || [7].all(z, z == 7)",
        "[1].all(a, [0].map(b, 1 / b) == [1] || [a].all(c, c == a))",
    ]);
}

#[test]
fn conversions() {
    all_true(&[
        "int('-5') == -5 && int(5u) == 5 && int(-1.9) == -1 && int(1) == 1 && int(timestamp('1970-01-01T00:01:00Z')) == 60",
        "uint('5') == 5u && uint(5) == 5u && uint(1.9) == 1u",
        "double('1.5') == 1.5 && double(1) == 1.0 && double('-inf') < 0.0 && double('NaN') != double('NaN')",
        "string(5) == '5' && string(5u) == '5' && string(1.5) == '1.5' && string(2.0) == '2' && string(true) == 'true'",
        "string(b'a') == 'a' && string('a') == 'a'",
        "string(timestamp('2009-02-13T23:31:30.5+01:00')) == '2009-02-13T22:31:30.5Z'",
        "string(duration('1h0.5s')) == '3600.5s' && string(duration('-1ms')) == '-0.001s'",
        "bytes('ä') == b'\\303\\244'",
        "bool('true') && bool('T') && !bool('0') && bool(true)",
        "timestamp(0) == timestamp('1970-01-01T00:00:00Z') && duration(duration('1s')) == duration('1s')",
        "type(1) == int && type(1u) == uint && type(1.0) == double && type('') == string && type(b'') == bytes",
        "type(null) == null_type && type([]) == list && type({}) == map && type(true) == bool && type(int) == type",
        "type(timestamp(0)) == google.protobuf.Timestamp && type(duration('0')) == google.protobuf.Duration",
        "type(dyn(1)) == int && type(1) != uint",
    ]);
    all_fail(
        "the value cannot be converted",
        &[
            "int('a') == 1",
            "int('') == 1",
            "int('9223372036854775808') == 1",
            "int(9223372036854775808u) == 1",
            "int(1e19) == 1",
            "int(double('NaN')) == 1",
            "uint(-1) == 1u",
            "uint('-1') == 1u",
            "double('x') == 1.0",
            "bool('yes')",
            "timestamp(request.method) == timestamp(0)",
            "duration(request.method) == duration('1s')",
        ],
    );
    all_fail("the text is not UTF-8", &["string(b'\\xff') == ''"]);
}

#[test]
fn times() {
    all_true(&[
        "timestamp('2009-02-13T23:31:30.123Z').getFullYear() == 2009",
        "timestamp('2009-02-13T23:31:30Z').getMonth() == 1",
        "timestamp('2009-02-13T23:31:30Z').getDate() == 13",
        "timestamp('2009-02-13T23:31:30Z').getDayOfMonth() == 12",
        "timestamp('2009-02-13T23:31:30Z').getDayOfWeek() == 5",
        "timestamp('2009-02-13T23:31:30Z').getDayOfYear() == 43",
        "timestamp('2009-02-13T23:31:30Z').getHours() == 23",
        "timestamp('2009-02-13T23:31:30Z').getMinutes() == 31",
        "timestamp('2009-02-13T23:31:30Z').getSeconds() == 30",
        "timestamp('2009-02-13T23:31:30.123Z').getMilliseconds() == 123",
        "timestamp('2009-02-13T23:31:30Z').getDate('+02:00') == 14",
        "timestamp('2009-02-13T23:31:30Z').getHours('-08:00') == 15",
        "timestamp('2009-02-13T23:31:30Z').getMinutes('02:30') == 1",
        "timestamp('2009-02-13T23:31:30Z').getHours('UTC') == 23",
        "timestamp('1969-12-31T23:00:00Z').getDayOfWeek() == 3",
        "duration('1h30m').getHours() == 1 && duration('1h30m').getMinutes() == 90",
        "duration('90s').getSeconds() == 90 && duration('123.321456789s').getMilliseconds() == 321",
        "timestamp(60) - timestamp(0) == duration('1m')",
        "timestamp(0) + duration('1m') == timestamp(60) && duration('1m') + timestamp(0) == timestamp(60)",
        "timestamp(60) - duration('1m') == timestamp(0)",
        "duration('1m') - duration('30s') == duration('30s') && duration('1m') + duration('1m') == duration('2m')",
        "timestamp(0) < timestamp(1) && duration('1s') > duration('-1s')",
    ]);
    all_fail("unknown time zone", &["timestamp(0).getHours(request.method) == 0"]);
    all_fail(
        "no such overload",
        &["dyn(duration('1s')).getHours('UTC') == 0", "dyn(duration('1s')).getDate() == 0"],
    );
}

#[test]
fn string_functions() {
    all_true(&[
        "'abc'.contains('b') && 'abc'.contains('') && !'abc'.contains('ac')",
        "'abc'.startsWith('ab') && 'abc'.endsWith('bc') && !'abc'.startsWith('b') && ''.startsWith('')",
        "'abc'.matches('^a.c$') && 'xabc'.matches('abc') && !'abc'.matches('^b') && matches('a1', '[0-9]')",
        "'a\\nb'.matches('(?s)a.b') && !'a\\nb'.matches('a.b') && 'AB'.matches('(?i)ab')",
        "'abc'.matches('a' + '.*')",
        "'AbÄ'.lowerAscii() == 'abÄ' && 'aBä'.upperAscii() == 'ABä'",
        "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
        "'hello'.replace('he', 'we', 0) == 'hello' && 'hello'.replace('he', 'we', -1) == 'wello'",
        "'aä'.replace('', '-') == '-a-ä-' && 'ab'.replace('', '-', 2) == '-a-b' && 'aaa'.replace('aa', 'b') == 'ba'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
        "'aäb'.split('') == ['a', 'ä', 'b'] && 'aäb'.split('', 2) == ['a', 'äb'] && 'a,b'.split(',', 1) == ['a,b']",
        "''.split(',') == [''] && ''.split('') == [] && ','.split(',') == ['', ''] && 'a'.split(',', -1) == ['a']",
        "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && [].join('-') == ''",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'äb'.substring(1) == 'b'",
        "'ab'.substring(2) == '' && 'ab'.substring(1, 1) == ''",
        "'  a \\n'.trim() == 'a' && '\\u2003a'.trim() == 'a'",
        "'hello mellow'.indexOf('') == 0 && 'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('x') == -1",
        "'hello mellow'.indexOf('ello', 2) == 7 && 'hello mellow'.indexOf('ello', 20) == -1 && 'äb'.indexOf('b') == 1",
        "'hello mellow'.lastIndexOf('') == 12 && 'hello mellow'.lastIndexOf('ello') == 7",
        "'hello mellow'.lastIndexOf('ello', 6) == 1 && 'hello mellow'.lastIndexOf('ello', 20) == -1",
        "'hello mellow'.lastIndexOf('hello') == 0 && 'ababab'.lastIndexOf('ab', 2) == 2 && 'a'.lastIndexOf('ab') == -1",
        "'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == '' && 'äö'.charAt(1) == 'ö'",
    ]);
    all_fail(
        "index out of range",
        &[
            "'a'.charAt(2) == ''",
            "'a'.charAt(-1) == ''",
            "'a'.substring(2) == ''",
            "'ab'.substring(2, 1) == ''",
            "'ab'.substring(-1) == ''",
            "'ab'.substring(0, 3) == ''",
            "'a'.indexOf('a', -1) == 0",
            "'a'.lastIndexOf('a', -1) == 0",
        ],
    );
    all_fail("no such overload", &["[1].join() == ''", "dyn(1).contains('a')", "'a'.contains(dyn(1))"]);
}

#[test]
fn attributes() {
    all_true(&[
        "request.method == 'GET' && request['method'] == 'GET' && request.headers['x-team'] == 'red'",
        "request.headers['x-' + 'n'] == '5' && int(request.headers['x-n']) == 5",
        "request.auth.claims.level + 1 == 4 && request.auth.claims.level == 3.0",
        "'admin' in request.auth.claims.roles && request.auth.claims.roles[1] == 'editor'",
        "request.auth.claims.realm['https://x/y'][0] == 1 && request.auth.claims.realm.name == 'r'",
        "'x-team' in request.headers && !('x-other' in request.headers)",
        "has(request.headers) && has(request.auth.claims.sub) && !has(request.auth.claims.other)",
        "has(request.auth.claims.nothing) && request.auth.claims.nothing == null",
        "!has(request.auth.claims.a.b.c)",
        "request.auth.claims.exists(k, k == 'sub') && roles == ['a', 'b']",
        "request.auth.claims.`level` == 3",
        "request.headers[request.method == 'GET' ? 'x-team' : 'x-n'] == 'red'",
    ]);
    all_fail(
        "no such key",
        &["request.auth.claims.other == 1", "request.headers['x'] == ''", "request.auth.claims.other.a != 1"],
    );
}

#[test]
fn texts_that_are_not_utf_8() {
    all_true(&[
        "request.raw.startsWith('a') && request.raw.endsWith('b') && !request.raw.contains('ab')",
        "request.raw != 'aÿb' && request.raw != 'a\\ufffdb' && request.raw == request.raw",
        "bytes(request.raw) == b'a\\xffb' && request.raw.upperAscii().startsWith('A')",
        "request.raw.replace('b', 'c').endsWith('c') && request.raw.split('b')[1] == ''",
        "[request.raw, 'c'].join('-').endsWith('-c') && request.raw in [request.raw]",
    ]);
    all_fail(
        "the text is not UTF-8",
        &[
            "request.raw.matches('a.*') || request.raw.matches('')",
            "request.raw.size() > 0",
            "request.raw.substring(1) == ''",
            "request.raw.charAt(0) == 'a'",
            "request.raw.indexOf('a') == 0",
            "request.raw.lastIndexOf('a') == 0",
            "request.raw.trim() == ''",
            "request.raw.split('') == []",
            "request.raw.replace('', '-') == ''",
            "string(bytes(request.raw)) == ''",
            "int(request.raw) == 0",
        ],
    );
}
