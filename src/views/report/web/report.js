/* The curves that answer to the pointer and the keyboard. Without this script the figure below them stays as it is. */
"use strict";
(function () {
  const holders = document.querySelectorAll("[data-live]");
  if (!holders.length || typeof uPlot === "undefined") return;

  function element(name, words, parent, className) {
    const made = document.createElement(name);
    if (words) made.textContent = words;
    if (className) made.className = className;
    if (parent) parent.append(made);
    return made;
  }

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  /* Three digits, as in the tables. */
  function short(value) {
    return value == null ? "" : String(Number(value.toPrecision(4)));
  }

  function live(holder, number) {
    const data = JSON.parse(holder.querySelector("script").textContent);
    const shown = data.variants.map(() => true);
    let plots = [];
    let range = null;

    holder.hidden = false;
    holder.parentElement.classList.add("live");
    const legend = element("div", "", holder, "legend");
    legend.setAttribute("role", "group");
    legend.setAttribute("aria-label", "Variants: press to hide or show");
    data.variants.forEach((variant, place) => {
      const button = element("button", "", legend);
      button.type = "button";
      const sample = element("span", "", button, "sample");
      sample.dataset.series = place % 7;
      element("span", variant, button);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        shown[place] = !shown[place];
        button.setAttribute("aria-pressed", String(shown[place]));
        plots.forEach(({ plot, panel }) =>
          panel.series.forEach((series, at) => {
            if (series.variant === place) plot.setSeries(at + 1, { show: shown[place] });
          }),
        );
      });
    });

    const steps = element("div", "", holder, "steps");
    steps.setAttribute("role", "group");
    steps.setAttribute("aria-label", "What part of the epochs is shown");
    [
      ["Zoom in", (low, high) => [low + (high - low) / 4, high - (high - low) / 4]],
      ["Zoom out", (low, high) => [low - (high - low) / 2, high + (high - low) / 2]],
      ["Earlier", (low, high) => [low - (high - low) / 4, high - (high - low) / 4]],
      ["Later", (low, high) => [low + (high - low) / 4, high + (high - low) / 4]],
      ["All", () => data.range],
    ].forEach(([words, change]) => {
      const button = element("button", words, steps);
      button.type = "button";
      button.addEventListener("click", () => zoom(...change(...(range || data.range))));
    });
    const readout = element("p", "", holder, "readout");
    const help = "Point at a curve for its value and seed; drag to zoom, double-click to see all.";
    readout.textContent = help;
    const panels = element("div", "", holder, "panels");

    /* All panels show the same epochs, within those that there are. */
    function zoom(low, high) {
      const [first, last] = data.range;
      const width = Math.min(high - low, last - first);
      const from = Math.min(Math.max(low, first), last - width);
      range = [from, from + width];
      plots.forEach(({ plot }) => plot.setScale("x", { min: range[0], max: range[1] }));
    }

    function say(panel, plot, at) {
      const series = panel.series[at - 1];
      const index = plot.cursor.idx;
      if (!series || index == null) return;
      const value = plot.data[at][index];
      if (value == null) return;
      const seed = series.seed == null ? "mean" : "seed " + series.seed;
      readout.textContent =
        data.variants[series.variant] + ", " + seed + ", epoch " + short(plot.data[0][index]) + ": " + panel.title.toLowerCase() + " " + short(value);
    }

    function draw() {
      plots.forEach(({ plot }) => plot.destroy());
      const axis = { stroke: color("--ink"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
      // All places first: each is as wide as the others leave it.
      const boxes = data.panels.map(() => element("div", "", panels));
      plots = data.panels.map((panel, place) => {
        const box = boxes[place];
        let near = null;
        const options = {
          width: Math.max(280, box.clientWidth || 480),
          height: 300,
          title: "",
          legend: { show: false },
          scales: { x: { time: false }, y: { distr: panel.logarithmic ? 3 : 1 } },
          axes: [
            Object.assign({ label: "epochs trained", size: 32, labelSize: 22 }, axis),
            Object.assign({ label: panel.title + (panel.unit ? " (" + panel.unit + ")" : ""), size: 60 }, axis),
          ],
          cursor: { sync: { key: "curves-" + number, setSeries: true }, focus: { prox: 24 }, points: { show: false } },
          focus: { alpha: 0.25 },
          series: [{ label: "epoch" }].concat(
            panel.series.map((series) => ({
              label: "",
              show: shown[series.variant],
              stroke: color("--series-" + (series.variant % 7)),
              width: series.seed == null ? 2.5 : 1,
              // Dashes are slow to draw: means have them, single seeds do not.
              dash: series.seed == null ? data.dashes[series.variant % data.dashes.length] : [],
              spanGaps: true,
              points: { show: false },
            })),
          ),
          hooks: {
            setSeries: [(plot, at) => { near = at; if (at != null) say(panel, plot, at); }],
            setCursor: [(plot) => { if (near != null) say(panel, plot, near); }],
            setSelect: [
              (plot) => {
                if (plot.select.width > 2) {
                  const left = plot.select.left;
                  zoom(plot.posToVal(left, "x"), plot.posToVal(left + plot.select.width, "x"));
                }
              },
            ],
          },
        };
        options.cursor.drag = { x: true, y: false, setScale: false };
        const plot = new uPlot(options, [panel.x].concat(panel.series.map((series) => series.y)), box);
        const canvas = box.querySelector("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", panel.title + " by epoch; the table below has the means");
        box.addEventListener("dblclick", () => zoom(...data.range));
        return { plot, panel, box };
      });
      zoom(...(range || data.range));
    }

    draw();
    let waiting = 0;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => plots.forEach(({ plot, box }) => plot.setSize({ width: Math.max(280, box.clientWidth), height: 300 })), 100);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      panels.replaceChildren();
      draw();
    });
  }

  holders.forEach(live);
})();
