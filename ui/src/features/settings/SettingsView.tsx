import { useState } from "react";
import { useTheme, type Theme } from "../../app/theme";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { ViewHead } from "../../components/ViewHead";
import { groupBy } from "../../format";
import type { JsonValue, Setting } from "../../generated/types";
import { text } from "../../text";
import { ServiceRow } from "./ServiceRow";

/** The settings of this installation, each with what it does; and the colours of this window. */
export function SettingsView() {
  const { data, problem, loading } = useRead("list_settings", {});
  const groups = groupBy(data?.settings ?? [], (setting) => setting.key.split(".")[0] ?? "");
  return (
    <section aria-label={text.settings.title} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <ViewHead title={text.settings.title} />
      <div className="min-h-0 flex-1 overflow-y-auto border-t border-line">
        <div className="max-w-180 px-4 pb-10">
          <h2 className="mt-4 mb-1 font-semibold">{text.settings.general}</h2>
          <ThemeChoice />
          {loading && <SkeletonRows />}
          {problem && <ProblemView problem={problem} />}
          {[...groups].map(([group, settings]) => (
            <div key={group}>
              <h2 className="mt-6 mb-1 font-semibold">{text.settings.groups[group] ?? group}</h2>
              {settings.map((setting) => (
                <SettingRow key={setting.key} setting={setting} />
              ))}
            </div>
          ))}
          <ServiceRow />
        </div>
      </div>
    </section>
  );
}

function ThemeChoice() {
  const [theme, choose] = useTheme();
  const themes = Object.entries(text.settings.themes) as [Theme, string][];
  return (
    <div className="flex items-center gap-4 border-t border-line py-3">
      <div className="min-w-0 flex-1">
        <p className="font-medium">{text.settings.theme}</p>
        <p className="text-small text-2">{text.settings.themeAbout}</p>
      </div>
      <div role="radiogroup" aria-label={text.settings.theme} className="flex gap-4">
        {themes.map(([value, label]) => (
          <label key={value} className="flex items-center gap-2">
            <input
              type="radio"
              name="theme"
              className="check"
              checked={theme === value}
              onChange={() => choose(value)}
            />
            {label}
          </label>
        ))}
      </div>
    </div>
  );
}

function SettingRow({ setting }: { setting: Setting }) {
  const change = useChange("set_setting");
  const changed = JSON.stringify(setting.value) !== JSON.stringify(setting.default);
  const set = (value: JsonValue) => change.mutate({ key: setting.key, value });
  return (
    <div className="border-t border-line py-3" data-setting={setting.key}>
      <div className="flex items-center gap-4 max-row:flex-wrap">
        <div className="min-w-0 flex-1">
          <p className="flex items-center gap-2">
            <code className="mono leading-5 font-medium">{setting.key}</code>
            {changed && <span className="badge bg-press text-2">{text.settings.changed}</span>}
          </p>
          <p className="text-small text-2" id={`about-${setting.key}`}>
            {setting.about}
          </p>
        </div>
        {changed && (
          <button type="button" className="btn btn-ghost btn-small" onClick={() => set(null)}>
            {text.settings.reset}
          </button>
        )}
        <Editor setting={setting} onSet={set} />
      </div>
      {change.isError && (
        <div className="mt-3">
          <ProblemView problem={problemOf(change.error)} />
        </div>
      )}
    </div>
  );
}

/** A switch for true and false, a field for everything else; the core says what it may be. */
function Editor({ setting, onSet }: { setting: Setting; onSet: (value: JsonValue) => void }) {
  const shown = typeof setting.value === "string" ? setting.value : JSON.stringify(setting.value);
  const [draft, setDraft] = useState<string | null>(null);
  if (typeof setting.default === "boolean") {
    return (
      <input
        type="checkbox"
        className="check"
        aria-label={setting.key}
        aria-describedby={`about-${setting.key}`}
        checked={setting.value === true}
        onChange={(event) => onSet(event.target.checked)}
      />
    );
  }
  const commit = () => {
    if (draft !== null && draft !== shown) onSet(parsed(draft, setting.default));
    setDraft(null);
  };
  return (
    <input
      className="field mono w-50"
      aria-label={setting.key}
      aria-describedby={`about-${setting.key}`}
      title={text.settings.allowed(setting.allowed)}
      spellCheck={false}
      value={draft ?? shown}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape" && draft !== null) {
          event.stopPropagation();
          setDraft(null);
        }
      }}
    />
  );
}

/** A text stays a text where the default is one; else it is read as JSON, and sent as typed where it is none. */
function parsed(draft: string, fallback: JsonValue): JsonValue {
  if (typeof fallback === "string") return draft;
  try {
    return JSON.parse(draft) as JsonValue;
  } catch {
    return draft;
  }
}
