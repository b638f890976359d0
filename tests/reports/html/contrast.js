// Contrast of every visible text and of the chart's marks against what lies behind them.
(() => {
  const parse = (text) => {
    const found = text.match(/rgba?\(([^)]+)\)/);
    if (!found) return null;
    const [r, g, b, a = 1] = found[1].split(/[\s,/]+/).filter(Boolean).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a),
    a: 1,
  });
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, two) => {
    const [high, low] = [light(one), light(two)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      // In a picture the box of a text is drawn by the rectangle beside it.
      const box = at.matches("a.box") ? at.querySelector("rect") : null;
      const colour = parse(box ? getComputedStyle(box).fill : getComputedStyle(at).backgroundColor);
      if (colour && colour.a > 0) layers.push(colour);
      if (colour && colour.a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const faint = [];
  let texts = 0, marks = 0;
  const judge = (element, colour, least, what) => {
    const under = behind(element);
    const found = ratio(over(colour, under), under);
    if (found < least) faint.push(`${found.toFixed(2)} ${what}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.textContent.trim();
    if (!words || !element.checkVisibility({ visibilityProperty: true }) || element.closest("script, style, option, .skip, noscript")) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) === 0) continue;
    const colour = parse(element instanceof SVGElement ? style.fill : style.color);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    texts += 1;
    judge(element, colour, size >= 24 || (bold && size >= 18.66) ? 3 : 4.5, `${element.className?.baseVal ?? element.className} ${words.slice(0, 40)}`);
  }
  for (const mark of document.querySelectorAll("svg.chart .point, svg.chart .best")) {
    if (!mark.checkVisibility()) continue;
    marks += 1;
    judge(mark, parse(getComputedStyle(mark).stroke), 3, mark.outerHTML.slice(0, 60));
  }
  return { faint, texts, marks };
})()
