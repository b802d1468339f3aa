// Draw the plotly figures of a page, each when it comes into sight, with the plotly.js beside it.
(() => {
  const places = document.querySelectorAll(".dx-plotly");
  if (!places.length) return;
  const root = document.documentElement.dataset.content_root ?? "./";
  let library = null;
  const load = () =>
    (library ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${root}_static/plotly.min.js`;
      script.onload = () => done(window.Plotly);
      script.onerror = failed;
      document.head.append(script);
    }));
  const sight = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        sight.unobserve(target);
        const { data, layout } = JSON.parse(target.querySelector("script").textContent);
        load().then((Plotly) => Plotly.newPlot(target, data, layout, { responsive: true }));
      }
    },
    { rootMargin: "400px" },
  );
  for (const place of places) sight.observe(place);
})();
