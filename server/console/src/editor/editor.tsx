/**
 * The query editor. It lives in a shadow root: there CodeMirror hands its styles to the browser as
 * objects, so the page can forbid inline styles.
 */

import { autocompletion, type CompletionContext, closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic as Lint, linter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";
import { complete, type Diagnostic, validate } from "../api";
import { fql } from "./fql";

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--keyword)", fontWeight: "600" },
  { tag: tags.string, color: "var(--string)" },
  { tag: tags.number, color: "var(--number)" },
  { tag: tags.typeName, color: "var(--label)" },
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { fontSize: "14px", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: "var(--mono)", padding: "12px 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 14px" },
  ".cm-scroller": { maxHeight: "34vh" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--select) !important",
  },
  ".cm-tooltip": {
    background: "var(--raised)",
    border: "1px solid var(--line)",
    color: "var(--text)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    background: "var(--select)",
    color: "var(--text)",
  },
  ".cm-placeholder": { color: "var(--faint)" },
});

/** Line and column of a diagnostic as a range of the document. */
export function rangeOf(text: string, diagnostic: Diagnostic): { from: number; to: number } {
  const lines = text.split("\n");
  const before = lines.slice(0, Math.max(0, diagnostic.line - 1));
  const start = before.reduce((sum, line) => sum + line.length + 1, 0) + diagnostic.column - 1;
  const from = Math.max(0, Math.min(start, text.length));
  return { from, to: Math.min(text.length, from + Math.max(1, diagnostic.length)) };
}

async function lint(view: EditorView): Promise<Lint[]> {
  const text = view.state.doc.toString();
  if (!text.trim()) return [];
  try {
    const { diagnostics } = await validate(text);
    return diagnostics.map((diagnostic) => ({
      ...rangeOf(text, diagnostic),
      severity: diagnostic.severity,
      message: diagnostic.help ? `${diagnostic.message}\n${diagnostic.help}` : diagnostic.message,
    }));
  } catch {
    return [];
  }
}

async function suggest(context: CompletionContext) {
  const word = context.matchBefore(/[\w$]+/);
  const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos);
  if (!word && !context.explicit && !/[:.(\s]/.test(before)) return null;
  try {
    const { from, items } = await complete(context.state.doc.toString(), context.pos);
    return {
      from,
      options: items.map((item) => ({
        label: item.label,
        type: item.kind,
        ...(item.detail ? { detail: item.detail } : {}),
      })),
    };
  } catch {
    return null;
  }
}

interface Props {
  /** Text to start with; another object replaces what is in the editor, even if it says the same. */
  given: { text: string };
  onChange: (value: string) => void;
  onRun: () => void;
  onCancel: () => void;
}

export function Editor({ given, onChange, onRun, onCancel }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const handlers = useRef({ onChange, onRun, onCancel });
  handlers.current = { onChange, onRun, onCancel };

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    view.current = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: given.text,
        extensions: [
          keymap.of([
            {
              key: "Mod-Enter",
              run: () => {
                handlers.current.onRun();
                return true;
              },
            },
            {
              key: "Escape",
              run: () => {
                handlers.current.onCancel();
                return false;
              },
            },
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          history(),
          closeBrackets(),
          bracketMatching(),
          fql,
          syntaxHighlighting(colours),
          linter(lint, { delay: 150 }),
          autocompletion({ override: [suggest] }),
          placeholder("ATTACK PATHS TO (d:DataStore) TOP 10"),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Query" }),
          look,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    return () => view.current?.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== given.text) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: given.text } });
    }
  }, [given]);

  return <div class="editor" ref={host} />;
}
