// For the check of types: an element that is found by a selector is of the kind that the page's template gives it.
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
interface Document {
  getElementById(id: string): any;
  activeElement: any;
}
interface HTMLCanvasElement {
  /** The picture without lines, at one sample for each pixel of the page. */
  buffer?: HTMLCanvasElement;
}
/** Three.js, which the page of a plan in space carries. */
declare const THREE: any;
/** Newer than the oldest compiler that Debian has. */
declare var DecompressionStream: any;
