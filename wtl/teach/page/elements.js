// An element with properties, data attributes among them, and children.
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const {data = {}, ...rest} = properties;
  Object.assign(made.dataset, data);
  Object.assign(made, rest);
  made.append(...children);
  return made;
}
