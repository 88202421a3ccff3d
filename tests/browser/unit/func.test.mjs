// What a button's `func` may say without an opt-in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { move } from "../../../js/toast/func.js";

const BASE = "https://site.example/app/";
const X = "https://site.example/app/x";

test("moves to another page", () => {
  const cases = [
    ["location = 'x'", "assign"],
    ["location='x';", "assign"],
    ["window.location='x'", "assign"],
    ["window.location = \"x\" ; ", "assign"],
    ["window . location . href = `x`", "assign"],
    ["\n document.location.href='x'\n", "assign"],
    ["self.location='x'", "assign"],
    ["top.location='x'", "assign"],
    ["location.assign('x')", "assign"],
    ["window.location.assign( 'x' );", "assign"],
    ["location.replace(\"x\")", "replace"],
    ["window.open('x')", "open"],
    ["open('x')", "open"],
    ["window.open('x', '_blank');", "open"],
  ];
  for (const [text, how] of cases) assert.deepEqual(move(text, BASE), { how, url: X }, text);
});

test("reload and back", () => {
  for (const text of ["location.reload()", "window.location.reload();", "document.location . reload ( )"]) assert.deepEqual(move(text, BASE), { how: "reload" }, text);
  for (const text of ["history.back()", "window.history.back();"]) assert.deepEqual(move(text, BASE), { how: "back" }, text);
});

test("the strings of JavaScript", () => {
  const cases = [
    [String.raw`'a\'b'`, "a'b"],
    [String.raw`"a\"b"`, 'a"b'],
    [String.raw`"a\\b"`, "a\\b"],
    [String.raw`'\x41\u0042\u{43}\u{00000044}\/\e'`, "ABCD/e"],
    [String.raw`'\X41\U0041\xaF\u00Af'`, "X41U0041\u00af\u00af"],
    ["`a$b`", "a$b"],
    ["`$`", "$"],
    ["'a;b=c()'", "a;b=c()"],
    ["'é 美 🦊'", "é 美 🦊"],
    [String.raw`'\u{1f98a}'`, "🦊"],
  ];
  for (const [literal, text] of cases) {
    assert.deepEqual(move(`location=${literal}`, `${BASE}?`), { how: "assign", url: new URL(text, `${BASE}?`).href }, literal);
    assert.equal(new Function(`return ${literal}`)(), text, "what JavaScript itself makes of it");
  }
});

test("everything else is none", () => {
  const hostile = [
    "", " ", ";", "'x'", "location", "location=", "location=x", "location=x.y", "location=5", "location=null", "location=''",
    "alert(1)", "alert`1`", "(alert)(1)", "eval('x')", "Function('x')()", "import('x')", "fetch('x')", "debugger",
    "location='x';alert(1)", "location='x',alert(1)", "location='x'\nalert(1)", "location='x'//\nalert(1)", "location='x'/**/", "/**/location='x'", "//\nlocation='x'",
    "location='x';;", ";location='x'", "alert(1);location='x'", "alert(1)\nlocation='x'", "{location='x'}", "if(1)location='x'", "void(location='x')",
    "location='x'+alert(1)", "location='x'+'y'", "location=alert(1)+'x'", "location=('x')", "location='x'?1:2", "location='x'.y", "location='x'[0]", "location='x'`y`",
    "location='x\\'", "location='x\ny'", "location='x\\\ny'", "location=\"x'", "location='x\"", "location=`x", "location='a'b'",
    "location=`${alert(1)}`", "location=`x${1}`", "location=`\\${alert(1)}${alert(1)}`",
    "location='\\1'", "location='\\08'", "location='\\x4'", "location='\\u12'", "location='\\u{}'", "location='\\u{110000}'", "location='\\u{1234567}'",
    "location='javascript:alert(1)'", "location=' JaVa\\tScRiPt:alert(1)'", "location='java\\nscript:alert(1)'", "location='\\x6aavascript:alert(1)'", "location='\\u006aavascript:alert(1)'",
    "location=`java\nscript:alert(1)`", "location='\\u{6a}avascript:alert(1)'", "location='data:text/html,<script>alert(1)</script>'", "location='vbscript:x'", "location='blob:x'", "location='file:///x'",
    "location.assign('javascript:alert(1)')", "location.replace('javascript:alert(1)')", "window.open('javascript:alert(1)')", "open('data:text/html,x')",
    "location.href.x='x'", "location['href']='x'", "window['location']='x'", "location.hash='x'", "location.protocol='javascript:'", "location.hostname='x'",
    "window.window.location='x'", "parent.location='x'", "opener.location='x'", "frames[0].location='x'", "x.location='x'", "document.open('x')", "document.history.back()",
    "location=='x'", "location+='x'", "location??='x'", "location=>'x'", "var location='x'", "let location='x'", "return location='x'", "await location='x'",
    "location.assign('x','y')", "location.assign()", "location.assign(x)", "location.assign('x')()", "location.assign?.('x')", "location?.assign('x')", "location.assign`x`",
    "location.reload(alert(1))", "location.reload(true)", "location.reload", "history.back(alert(1))", "history.go(-1)", "history.forward()", "history.pushState('x')",
    "window.open('x','y')", "window.open('x','_self')", "window.open('x','_blank','noopener=0')", "window.open()", "window.open('x')()", "window.open('x').alert(1)",
    "locatıon='x'", "l\\u006fcation='x'", "location\u200b='x'", "with(x)location='x'", "location\\u003d'x'", "javascript:location='x'", "<script>location='x'</script>",
    "__proto__", "constructor", "toString()", "window.location='x' in alert(1)", "location='x' instanceof alert", "location='x'\u2028alert(1)", "location='http://['",
    `location='${"x".repeat(5_000)}'`,
  ];
  for (const text of hostile) assert.equal(move(text, BASE), null, text);
  for (const value of [undefined, null, 5, true, {}, [], ["location='x'"], () => {}]) assert.equal(move(value, BASE), null);
});

test("whatever is taken is one move, and says the same to JavaScript itself", () => {
  // Random texts out of the pieces of such statements; each that is taken is run in a world where only moves are to be had.
  const pieces = ["location", "window", ".", "href", "=", "'", '"', "`", "x", "/y", ";", "(", ")", "assign", "replace", "open", "history", "back", "reload", " ", "\n", "\\", "$", "{", "}", ",", "alert", "+", "u0061", "'_blank'", "'x'", "('x')", "location='x'"];
  let seed = 7;
  const random = (below) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  let taken = 0;
  for (let round = 0; round < 200_000; round++) {
    const text = Array.from({ length: 1 + random(7) }, () => pieces[random(pieces.length)]).join("");
    const found = move(text, BASE);
    if (!found) continue;
    taken += 1;
    assert.deepEqual(ran(text), [found.how, ...(found.url ? [found.url] : [])], text);
  }
  assert.ok(taken > 100, `${taken} texts were taken`);
});

/** What a text does, as JavaScript runs it. */
function ran(text) {
  const done = [];
  const say = (how) => (address) => done.push([how, ...(address === undefined ? [] : [new URL(address, BASE).href])]);
  const place = { assign: say("assign"), replace: say("replace"), reload: say("reload") };
  Object.defineProperty(place, "href", { set: say("assign") });
  const world = { history: { back: say("back") }, open: say("open") };
  Object.defineProperty(world, "location", { get: () => place, set: say("assign") });
  Object.assign(world, { window: world, self: world, top: world, document: world });
  new Function("world", `with (world) {\n${text}\n}`)(world);
  assert.equal(done.length, 1, text);
  return done[0];
}
