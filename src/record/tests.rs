use super::*;

const MAX: usize = 200;

/// What came out of some bytes, in words: `json@start`, `!reason@at`.
fn read_cut(input: &[u8], cuts: &[usize]) -> Vec<String> {
    read_cut_up_to(MAX, input, cuts)
}

fn read_cut_up_to(max: usize, input: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut parser = Parser::new(max);
    let mut out = Vec::new();
    let mut from = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        loop {
            let step = parser.step(&input[from..end], end == input.len());
            match &step.found {
                Found::Pending => {}
                Found::Record { record, start } => {
                    let time = record
                        .time()
                        .map_or(String::new(), |time| format!("{time} "));
                    out.push(format!("{time}{}@{}", record.json, from + start));
                }
                Found::Rejected { reason, .. } => out.push(format!("!{reason}")),
            }
            from += step.used;
            if matches!(step.found, Found::Pending) {
                break;
            }
        }
    }
    out
}

fn read(input: impl AsRef<[u8]>) -> Vec<String> {
    let input = input.as_ref();
    let whole = read_cut(input, &[]);
    for cut in 0..=input.len() {
        let text = String::from_utf8_lossy(input);
        assert_eq!(read_cut(input, &[cut]), whole, "cut at {cut} of {text:?}");
    }
    let every: Vec<usize> = (0..input.len()).collect();
    assert_eq!(read_cut(input, &every), whole, "byte by byte");
    whole
}

#[test]
fn lines_touching_objects_and_pretty_printed_ones() {
    assert_eq!(
        read("{\"a\":1}\n{\"b\":2}\n"),
        ["{\"a\":1}@0", "{\"b\":2}@8"]
    );
    assert_eq!(read("{\"a\":1}{\"b\":2}"), ["{\"a\":1}@0", "{\"b\":2}@7"]);
    assert_eq!(
        read("\n\r\n {\n  \"a\": [1,\n  {}]\n}\n"),
        ["{\n  \"a\": [1,\n  {}]\n}@4"]
    );
}

#[test]
fn an_object_is_complete_at_its_brace_without_a_newline() {
    assert_eq!(read("{\"a\":\"}\"}"), ["{\"a\":\"}\"}@0"]);
    assert!(read("{\"a\":\"}").is_empty());
}

#[test]
fn a_number_before_an_object_is_its_time() {
    assert_eq!(read("1732155000\n{\"a\":1}\n"), ["1732155000 {\"a\":1}@0"]);
    assert_eq!(read("17.5{\"time\":3}"), ["17.5 {\"time\":3}@0"]);
    assert_eq!(read("{\"time\":3}"), ["3 {\"time\":3}@0"]);
    assert_eq!(read("{\"time\":\"x\"}"), ["{\"time\":\"x\"}@0"]);
}

#[test]
fn a_number_at_the_end_is_pending_and_stays_unread() {
    let mut parser = Parser::new(MAX);
    let step = parser.step(b"{\"a\":1}\n", true);
    assert_eq!(step.used, 7);
    let step = parser.step(b"\n1732155000\n", true);
    assert!(matches!(step.found, Found::Pending));
    assert_eq!(step.used, 1);
}

#[test]
fn numbers_that_are_no_time() {
    let lone = "!a number without an object after it";
    assert_eq!(read("1 2 {\"a\":1}"), [lone, "2 {\"a\":1}@2"]);
    assert_eq!(
        read("1\n\"x\"\n{}"),
        [lone, "!a bare string instead of an object", "{}@6"]
    );
    assert_eq!(read("1x\n{}"), [lone, "{}@3"]);
    assert_eq!(read("1-2{}\n{}"), [lone, "{}@6"]);
}

#[test]
fn after_an_error_it_goes_on_at_the_next_line() {
    assert_eq!(
        read("{\"a\":1,}\n{\"b\":2}"),
        ["!broken JSON: trailing comma", "{\"b\":2}@9"]
    );
    assert_eq!(
        read("hello {\"a\":1}\n{\"b\":2}"),
        ["!broken JSON: a record begins with {", "{\"b\":2}@14"]
    );
    assert_eq!(
        read("[1]\ntrue\n\"x\"\n"),
        [
            "!an array instead of an object",
            "!a bare word instead of an object",
            "!a bare string instead of an object"
        ]
    );
}

#[test]
fn a_torn_record_does_not_swallow_the_next() {
    let torn = "!a torn record: its end was never written";
    assert_eq!(read("{\"a\":\n{\"b\":2}\n"), [torn, "{\"b\":2}@6"]);
    assert_eq!(read("{\"a\":[\n{\"b\":2}"), [torn, "{\"b\":2}@7"]);
    let raw = "!broken JSON: control character (\\u0000-\\u001F) found while parsing a string";
    assert_eq!(read("{\"a\":\"x\n{\"b\":2}\n"), [raw, "{\"b\":2}@8"]);
    // Followed by two, it is no prefix of anything.
    assert_eq!(read("{\"a\":\n{\"b\":2}\n{\"c\":3}\n").len(), 3);
}

#[test]
fn a_heap_of_open_braces_is_read_in_one_pass() {
    // Quadratic, this would take minutes.
    let heap = "{\"a\":\n".repeat(50_000) + "{\"b\":2}\n{\"c\":3}\n";
    let mut parser = Parser::new(1 << 18);
    let (mut from, mut records) = (0, Vec::new());
    loop {
        let step = parser.step(&heap.as_bytes()[from..], true);
        from += step.used;
        match step.found {
            Found::Record { record, .. } => records.push(record.json.to_owned()),
            Found::Rejected { .. } => {}
            Found::Pending => break,
        }
    }
    assert_eq!(records, ["{\"b\":2}", "{\"c\":3}"]);
}

#[test]
fn a_few_torn_lines_hide_nothing_and_many_are_not_read_again_from_each() {
    let printed = "{\n\"b\":\n2\n}\n{\"c\":3}\n";
    let records = |lines: usize| {
        let out = read_cut_up_to(
            1 << 20,
            ("{\"a\":\n".repeat(lines) + printed).as_bytes(),
            &[],
        );
        let records = out.iter().filter(|it| !it.starts_with('!'));
        records.count()
    };
    assert_eq!(records(20), 2);
    assert_eq!(records(2000), 1);
}

#[test]
fn behind_what_was_read_in_vain_records_may_have_lines_again_wherever_the_cut_is() {
    let torn = "{\"a\":\n".repeat(4000);
    let input = torn.clone() + "\n\n\0\0{\n\"b\":\n2\n}\n";
    for cut in torn.len()..input.len() {
        let out = read_cut_up_to(1 << 20, input.as_bytes(), &[cut]);
        let last = out.last().unwrap();
        assert!(last.starts_with("{\n\"b\""), "cut at {cut}: {last}");
    }
}

#[test]
fn the_work_is_linear_also_where_invalid_utf8_is_far_from_the_end() {
    let line = |bytes: &'static [u8]| [bytes, b"\n"].concat();
    let short = ["{\"a\":\n".repeat(600).into_bytes(), line(b"!")].concat();
    let far = line(b"{\"a\":\"\xff\",\"b\":");
    for heap in [short.repeat(20), far.repeat(4000)] {
        let heap = [heap, b"{\"c\":3}\n{\"d\":4}".to_vec()].concat();
        let mut parser = Parser::new(1 << 20);
        let (mut from, mut records) = (0, 0);
        while from < heap.len() {
            let step = parser.step(&heap[from..], true);
            assert!(step.used > 0, "{:?} at {from}", step.found);
            from += step.used;
            records += usize::from(matches!(step.found, Found::Record { .. }));
        }
        assert_eq!(records, 2);
        assert!(parser.work() < 4 * heap.len() as u64, "{}", parser.work());
    }
}

#[test]
fn a_number_before_a_hole_is_no_time() {
    let hole = [b"5".as_slice(), &vec![0; MAX + 1]].concat();
    let step = Parser::new(MAX).step(&hole, true);
    assert!(matches!(
        step.found,
        Found::Rejected {
            reason: Reason::LoneNumber,
            ..
        }
    ));
}

#[test]
fn invalid_utf8_is_named_where_it_stands() {
    let input = b"{\"a\":\"\xff\"}\n{\"b\":2}";
    assert_eq!(read(input), ["!invalid UTF-8", "{\"b\":2}@10"]);
    let Found::Rejected { at, .. } = Parser::new(MAX).step(input, true).found else {
        panic!()
    };
    assert_eq!(at, 6);
    assert_eq!(
        read(b"{\"event\":\"\xff\"}\n{}"),
        ["!invalid UTF-8", "{}@14"]
    );
}

#[test]
fn an_error_is_placed_at_the_byte_that_breaks() {
    let input = b" {\n \"a\": 1 x\n}";
    let Found::Rejected { at, .. } = Parser::new(MAX).step(input, true).found else {
        panic!()
    };
    assert_eq!(input[at], b'x');
}

#[test]
fn bom_and_nuls_between_values_are_skipped() {
    assert_eq!(
        read("\u{feff}{\"a\":1}\0\0\n\u{feff}{\"b\":2}"),
        ["{\"a\":1}@3", "{\"b\":2}@16"]
    );
    assert_eq!(read("{\"a\":\"\0\"}\n{}").len(), 2);
    assert_eq!(read("5\u{feff}{}\n6\n\u{feff}\0{}"), ["5 {}@0", "6 {}@7"]);
}

#[test]
fn trailing_nuls_are_pending() {
    let step = Parser::new(MAX).step(b" \0\0", true);
    assert!(matches!(step.found, Found::Pending));
    assert_eq!(step.used, 1);
    let hole = vec![0; MAX + 1];
    assert_eq!(Parser::new(MAX).step(&hole, true).used, hole.len());
}

#[test]
fn too_large_is_rejected_before_its_end_is_seen() {
    let large = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}", "x".repeat(MAX));
    let why = format!("!a record over the limit of {MAX} bytes");
    assert_eq!(read(&large), [why, "{\"b\":2}@209".to_owned()]);
    let exact = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX - 8));
    assert_eq!(exact.len(), MAX);
    assert_eq!(read(&exact).len(), 1);
    assert!(!read(&exact)[0].starts_with('!'));
    // Whatever stands beyond the limit, and however much of it was read already.
    for end in [",]", "x", "\"", "\"}", "\u{feff}"] {
        let large = format!("{{\"a\":\"{}\"{end}\n{{\"b\":2}}", "x".repeat(MAX));
        assert!(read(&large)[0].starts_with("!a record over"), "{end}");
    }
}

fn event_of(json: &str) -> Event<'_> {
    let step = Parser::new(MAX).step(json.as_bytes(), true);
    match step.found {
        Found::Record { record, .. } => record.event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_and_other_objects_are_unnamed() {
    for json in [
        "{\"cmd\":\"x\"}",
        "{}",
        "{\"cmd\":5}",
        "{\"event\":5}",
        "{\"event\":null}",
        "{\"cmd\":\"x\",\"event\":\"y\"}",
        "{\"data\":{}}",
        "{\"event\":\"x\",\"cmd\":1,\"event\":2}",
        "{\"cmd\":\"x\",\"cmd\":\"y\"}",
    ] {
        assert_eq!(event_of(json), Event::Unnamed, "{json}");
    }
}

#[test]
fn named_events() {
    let named = |name: &'static str, data: &'static str, retry| Event::Named {
        name: name.into(),
        data: data.into(),
        retry,
    };
    assert_eq!(
        event_of("{\"event\":\"p\",\"data\":\"a\\nb\"}"),
        named("p", "a\nb", None)
    );
    assert_eq!(
        event_of("{\"event\":\"p\",\"data\":{ \"x\": 1 }}"),
        named("p", "{\"x\":1}", None)
    );
    assert_eq!(
        event_of("{\"event\":\"\\u0070\",\"retry\":5}"),
        named("p", "null", Some(5))
    );
}

#[test]
fn events_that_cannot_be_sent_are_rejected_and_the_next_flows() {
    for bad in [
        "\"event\":\"a\\nb\"",
        "\"event\":\"a\\rb\"",
        "\"event\":\"\"",
        "\"event\":\"ready\"",
        "\"event\":\"error\"",
        "\"event\":\"x\",\"retry\":0",
        "\"event\":\"x\",\"retry\":-5",
        "\"event\":\"x\",\"retry\":\"5\"",
        "\"event\":\"\\ud800\"",
        "\"event\":\"x\",\"data\":\"\\ud800\"",
    ] {
        let out = read(format!("{{{bad}}} {{\"b\":2}}"));
        assert!(out[0].starts_with('!') && out.len() == 2, "{bad}: {out:?}");
    }
}

#[test]
fn a_key_ignores_white_space_and_minds_time_and_content() {
    let key = |input: &str| match Parser::new(MAX).step(input.as_bytes(), true).found {
        Found::Record { record, .. } => record.key(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        key("{\"a\":\"x y\",\"b\":[1]}"),
        key("\n{ \"a\" : \"x y\",\n\"b\": [ 1 ] }")
    );
    assert_eq!(key("5 {}"), key("\u{feff}5\n\n{ }"));
    assert_ne!(key("5 {}"), key("6 {}"));
    assert_ne!(key("5 {}"), key("{}"));
    assert_ne!(key("{\"a\":\"x y\"}"), key("{\"a\":\"xy\"}"));
    // Cursors outlive the server: the hash must never change.
    assert_eq!(
        key("1732155000\n{\"cmd\":\"x\"}"),
        9_636_709_069_081_013_582
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_pieces(
        input in proptest::collection::vec(proptest::prop_oneof![
            proptest::prelude::any::<u8>(),
            proptest::sample::select(b"{}[]\",:\n 12e-\0\\u\xef\xbb\xbf".to_vec()),
        ], 0..60),
        cut in 0..60usize,
    ) {
        let cut = cut.min(input.len());
        proptest::prop_assert_eq!(read_cut(&input, &[cut]), read_cut(&input, &[]));
    }

    #[test]
    fn good_records_beside_any_line_still_flow(line in "[ -~]{0,40}") {
        proptest::prop_assume!(!line.contains(['{', '[']));
        let out = read_cut(format!("{{\"a\":1}}\n{line}\n{{\"b\":2}}\n").as_bytes(), &[]);
        let first = out.first().is_some_and(|first| first.starts_with("{\"a\":1}"));
        proptest::prop_assert!(first, "{:?}", out);
        let last = out.last().is_some_and(|last| last.contains("{\"b\":2}"));
        proptest::prop_assert!(last, "{:?}", out);
    }
}
