// The pictures of the page in a headset: a panel in front of the wearer, with the task and
// the messages below them.

const CENTRE = [0, -0.1, -1.2]; // metres, from the head at the start of the session
const WIDTH = 1.2; // metres
const PIXELS = [1024, 640]; // of the panel: two square views, and lines of text
const LINES = ['task', 'steps', 'counted', 'message', 'device']; // ids, if the page has them
const LINE = 28; // pixels
const EVERY_MS = 40; // the server makes 25 pictures per second

const VERTEX = `
attribute vec2 corner;
uniform mat4 view, projection;
uniform vec3 centre;
uniform vec2 size;
varying vec2 at;
void main() {
  at = vec2(corner.x, -corner.y) / 2.0 + 0.5;
  gl_Position = projection * view * vec4(centre + vec3(corner * size / 2.0, 0.0), 1.0);
}`;
const FRAGMENT = `
precision mediump float;
uniform sampler2D panel;
varying vec2 at;
void main() { gl_FragColor = texture2D(panel, at); }`;

export class Panel {
  constructor(gl) {
    this.gl = gl;
    this.drawnAt = -Infinity;
    this.canvas = document.createElement('canvas');
    [this.canvas.width, this.canvas.height] = PIXELS;
    this.program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    gl.useProgram(this.program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    const corners = new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]);
    gl.bufferData(gl.ARRAY_BUFFER, corners, gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, 'corner');
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.uniform3fv(this.at('centre'), CENTRE);
    gl.uniform2f(this.at('size'), WIDTH, (WIDTH * PIXELS[1]) / PIXELS[0]);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    }
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  }

  at(uniform) {
    return this.gl.getUniformLocation(this.program, uniform);
  }

  draw(frame, space, layer, now) {
    const {gl} = this;
    if (now - this.drawnAt >= EVERY_MS) {
      this.drawnAt = now;
      this.compose();
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, this.canvas);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, layer.framebuffer);
    gl.clearColor(0.1, 0.11, 0.13, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    for (const view of frame.getViewerPose(space)?.views ?? []) {
      const {x, y, width, height} = layer.getViewport(view);
      gl.viewport(x, y, width, height);
      gl.uniformMatrix4fv(this.at('projection'), false, view.projectionMatrix);
      gl.uniformMatrix4fv(this.at('view'), false, view.transform.inverse.matrix);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  compose() {
    const pen = this.canvas.getContext('2d');
    const [width, height] = PIXELS;
    pen.fillStyle = '#23282d';
    pen.fillRect(0, 0, width, height);
    ['wide', 'close'].forEach((id, i) => {
      const side = width / 2;
      pen.drawImage(document.getElementById(id), i * side, 0, side, side);
    });
    pen.fillStyle = 'white';
    pen.font = `${LINE - 6}px sans-serif`;
    const said = LINES.map((id) => document.getElementById(id)?.textContent).filter(Boolean);
    said.forEach((text, i) => pen.fillText(text, 12, width / 2 + LINE * (i + 1), width - 24));
  }
}
