"""WCAG 2.2's contrast of text, 1.4.3 at level AA, worked out in the browser for whatever a page shows."""

UNREADABLE = """() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = colour => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
    const ground = element => {
        const layers = [];
        for (let each = element; each; each = each.parentElement) {
            const colour = rgba(getComputedStyle(each).backgroundColor);
            layers.push(colour);
            if (colour[3] === 1) break;
        }
        return layers.reverse().reduce((under, layer) => over(layer, under), [0, 0, 0]);
    };
    const light = colour => colour.slice(0, 3)
        .map(part => part / 255)
        .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (one, other) => {
        const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
        return (bright + 0.05) / (dark + 0.05);
    };
    const speaks = element => element.matches("select, input:not([type=range], [type=radio], [type=checkbox])")
        || [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const poor = [];
    for (const element of document.querySelectorAll("body *")) {
        if (!speaks(element) || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        if (element.closest("[inert], noscript, .skip")) continue;
        const style = getComputedStyle(element);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const under = ground(element);
        const found = ratio(over(rgba(style.color), under), under);
        if (found < (large ? 3 : 4.5)) poor.push(`${element.outerHTML.slice(0, 100)}: ${found.toFixed(2)}`);
    }
    return poor;
}"""
"""JavaScript that lists each visible text whose contrast is below 4.5, or below 3 where it is large."""
