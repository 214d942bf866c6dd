/** Beside the drawing: the list of paths as stories, and one step with its evidence. */

import type { AttackPath, Step } from "../api";
import { cellText, percent } from "../value";

interface StoriesProps {
  paths: AttackPath[];
  selected: number | null;
  onSelect: (index: number | null) => void;
}

export function Stories({ paths, selected, onSelect }: StoriesProps) {
  return (
    <ol class="stories" aria-label="Attack paths, likeliest first">
      {paths.map((path, index) => (
        <li key={path.signature || index}>
          <button
            type="button"
            class="story"
            aria-pressed={selected === index}
            onClick={() => onSelect(selected === index ? null : index)}
          >
            <span class="rank">{percent(path.likelihood)}</span>
            <span class="ends">
              <b>{path.target.name}</b>
              <small>
                {path.target.capability} · {path.steps.length} steps · weakest{" "}
                {percent(Math.min(...path.steps.map((step) => step.likelihood)))}
                {path.confidence < 0.995 && ` · confidence ${percent(path.confidence)}`}
              </small>
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function StepPanel({ step, onClose }: { step: Step; onClose: () => void }) {
  return (
    <aside class="panel" aria-label="Step">
      <header>
        <h2>{step.title}</h2>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close">
          ×
        </button>
      </header>
      <p class="chips">
        {step.technique && <span class="chip">{step.technique}</span>}
        <span class="chip">{step.id ? `${step.id} ${step.rule}` : step.rule}</span>
        <span class="chip strong">{percent(step.likelihood)}</span>
        {step.confidence < 0.995 && <span class="chip">confidence {percent(step.confidence)}</span>}
      </p>
      <p>{step.explanation}</p>
      {step.fixes.length > 0 && (
        <section>
          <h3>What breaks it</h3>
          <ul>
            {step.fixes.map((fix) => (
              <li key={fix.id}>
                {fix.title}
                {fix.owner && <small> · {fix.owner}</small>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {step.factors.length > 0 && (
        <section>
          <h3>Why this likely</h3>
          <table class="factors">
            <tbody>
              {step.factors.map((factor) => (
                <tr key={`${factor.name} ${factor.effect}`}>
                  <th scope="row">{factor.name}</th>
                  <td>{cellText(factor.value)}</td>
                  <td>{factor.effect}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {step.evidence.length > 0 && (
        <section>
          <h3>Evidence</h3>
          <ul class="evidence">
            {step.evidence.map((item) => (
              <li key={`${item.type} ${item.id}`}>
                {item.type === "edge" ? (
                  <code>
                    {item.from} <b>{item.kind}</b> {item.to}
                  </code>
                ) : (
                  <code>{item.id}</code>
                )}
                {item.sources && <small>{item.sources.join(", ")}</small>}
              </li>
            ))}
          </ul>
        </section>
      )}
    </aside>
  );
}
