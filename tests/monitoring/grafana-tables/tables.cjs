// Reads [{ panel, answers: [{ refId, series }] }] from standard input, and prints for each panel the rows that Grafana's own
// code makes of the answers: transformations, value mappings, units. `answers` are instant vectors of Prometheus.
"use strict";

// Grafana's library expects a browser.
Object.defineProperty(globalThis, "navigator", { value: { language: "en", languages: ["en"] }, configurable: true });
globalThis.window = globalThis;
globalThis.document = { createElement: () => ({}), addEventListener() {} };
globalThis.location = { href: "", search: "" };
globalThis.localStorage = { getItem: () => null };

const grafana = require("@grafana/data");
const { lastValueFrom } = require("rxjs");

const transformers = new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one]));
grafana.standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((one) => ({ id: one.id, name: one.id, transformation: one, editor: null })),
);

const property = (id, isCustom) => ({
  id,
  isCustom,
  name: id,
  path: isCustom ? id.slice("custom.".length) : id,
  process: (value) => value,
  shouldApply: () => true,
  settings: {},
});
const standard = ["unit", "decimals", "noValue", "links", "mappings", "color", "thresholds", "min", "max"];
const custom = ["width", "minWidth", "hidden", "cellOptions", "filterable", "align", "inspect"];
const properties = new grafana.Registry(() => [
  ...standard.map((id) => property(id, false)),
  ...custom.map((id) => property(`custom.${id}`, true)),
]);

// As Grafana's data source for Prometheus does it where a query asks for a table.
function frame({ refId, series }, queries) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].sort();
  const field = (name, type, values) => ({ name, type, config: {}, values });
  return {
    refId,
    length: series.length,
    fields: [
      field("Time", "time", series.map((one) => one.value[0] * 1000)),
      ...labels.map((label) => field(label, "string", series.map((one) => one.metric[label] ?? ""))),
      field(queries > 1 ? `Value #${refId}` : "Value", "number", series.map((one) => Number(one.value[1]))),
    ],
  };
}

async function rows({ panel, answers }) {
  const frames = answers.map((answer) => frame(answer, answers.length));
  const context = { interpolate: (text) => text };
  const transformed = await lastValueFrom(grafana.transformDataFrame(panel.transformations, frames, context));
  const [table] = grafana.applyFieldOverrides({
    data: transformed,
    fieldConfig: panel.fieldConfig,
    replaceVariables: (text) => text,
    theme: grafana.createTheme(),
    fieldConfigRegistry: properties,
    timeZone: "utc",
  });
  const shown = (table?.fields ?? []).filter((field) => !field.config.custom?.hidden);
  const cell = (field, row) => {
    const { color, ...text } = field.display(field.values[row]);
    return [grafana.getFieldDisplayName(field, table), { text: grafana.formattedValueToString(text), color }];
  };
  return Array.from({ length: table?.length ?? 0 }, (_, row) => Object.fromEntries(shown.map((field) => cell(field, row))));
}

async function main() {
  const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  console.log(JSON.stringify(await Promise.all(input.map(rows))));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
