/** FQL for the editor: colours only; the server's own parser says what is right. */

import { StreamLanguage } from "@codemirror/language";

/** Every word of the language; a test of the server compares it with the parser's own table. */
const keywords = new Set(
  (
    "match optional where with unwind return distinct order by asc ascending desc descending skip offset limit union all " +
    "as and or xor not in is null exists count collect reduce starts ends contains case when then else end call yield " +
    "explain profile at what if remove add set upgrade to apply diff from via avoiding rules techniques within steps " +
    "likelihood confidence top per source target pair attack paths exploitability of blast radius choke points fix plan " +
    "budget until why sampled attacker shortest cheapest any none single walk trail acyclic simple group groups cost true " +
    "false shortestpath allshortestpaths rule policy import kinds id family technique given gain guard owner explanation " +
    "remediation severity controls description expect no most least rows start skill"
  ).split(" "),
);

/** Words that only definitions have: names in a query. */
const definitionOnly = new Set(
  (
    "rule policy import kinds id family technique given gain guard owner explanation remediation severity controls " +
    "description expect no most least rows start skill"
  ).split(" "),
);

const capabilities = new Set("reach exec root as write read tamper know admin".split(" "));

interface State {
  comment: boolean;
  /** The text before was a dot: what follows is a property. */
  dot: boolean;
  /** The text holds definitions. */
  definitions: boolean | null;
}

export const fql = StreamLanguage.define<State>({
  name: "fql",
  startState: () => ({ comment: false, dot: false, definitions: null }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo("*/")) {
        stream.match("*/");
        state.comment = false;
      } else {
        stream.skipToEnd();
      }
      return "comment";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match("/*")) {
      state.comment = true;
      return "comment";
    }
    const afterDot = state.dot;
    state.dot = false;
    const quote = stream.peek();
    if (quote === "'" || quote === '"' || quote === "`") {
      stream.next();
      let escaped = false;
      for (let char = stream.next(); char; char = stream.next()) {
        if (char === quote && !escaped) break;
        escaped = !escaped && char === "\\";
      }
      return quote === "`" ? "variableName" : "string";
    }
    if (stream.match(/^\d+(\.\d+)?([eE][-+]?\d+)?/)) return "number";
    if (stream.match(/^\$\w+/)) return "atom";
    if (stream.match(/^:\s*[A-Za-z_]\w*/)) return "typeName";
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word) {
      const lower = word[0].toLowerCase();
      state.definitions ??= /^(rule|policy|attacker|group|import)$/.test(lower);
      if (afterDot) return "propertyName";
      if (stream.peek() === "(" && capabilities.has(lower)) return "propertyName";
      if (definitionOnly.has(lower) && !state.definitions) return "variableName";
      return keywords.has(lower) ? "keyword" : "variableName";
    }
    state.dot = stream.peek() === ".";
    stream.next();
    return "punctuation";
  },
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } } },
});
