const hostLabel = '[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?';
const host = `(?:${hostLabel}(?:\\.${hostLabel})*|\\[[0-9A-Fa-f:.]+\\])(?::\\d+)?`;
const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const tag = '[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}';
const digest = '[A-Za-z][A-Za-z0-9]*:[0-9A-Fa-f]{32,}';

/** [registry[:port]/]name[/name…][:tag][@digest], or the ID of an image. */
const imageName = new RegExp(`^(?:${host}/)?${part}(?:/${part})*(?::${tag})?(?:@${digest})?$`);
const imageId = /^sha256:[0-9a-f]{12,64}$/;

/** What no engine would take as an image, as the rest of the sentence that begins with the field. */
export function imageNameProblem(image: string): string | undefined {
  if (imageId.test(image)) return undefined;
  if (imageName.test(image)) return undefined;
  return `must be the name of an image, as in python:3.12-slim or registry.example:5000/team/base@sha256:…; found "${image}"`;
}
