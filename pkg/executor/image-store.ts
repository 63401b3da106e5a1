/** A stretch of a file. */
export interface ByteRange {
  offset: number;
  size: number;
}

/** An image that lies in an ordinary `docker load` file, and where in it its parts are. Nothing of it is believed. */
export interface ArchivedImage {
  /** Of the environment. */
  name: string;
  /** `sha256:…` of the image's config. */
  digest: string;
  /** The config itself. */
  config: ByteRange;
  /** From the base up; the bytes are an uncompressed tar. */
  layers: readonly (ByteRange & { diffId: string })[];
}

/** Reads the file wherever it is. Ends with exactly so many bytes, or raises. */
export interface ByteSource {
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** How far a load is, in what it has to bring: layers that are there already do not count. */
export interface LoadProgress {
  bytes: number;
  totalBytes: number;
  layers: number;
  totalLayers: number;
}

export interface LoadOptions {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

export interface ImageStoreProbe {
  ready: boolean;
  /** For the Node's condition: `LoadsMissingLayers`, `LoadsWholeFiles`, or why neither; and a sentence. */
  reason: string;
  message: string;
}

/**
 * The images of this machine's engine, as far as environments are concerned. A name here is always
 * `river/<environment>:<first 12 of the digest>`, and stands only at an image that was checked. Methods raise
 * `RiverError`; reason `EnvironmentDamaged` in its first cause: the file is not what it should be.
 */
export interface ImageStore {
  /** Finds out once, and again for another engine, how it takes images. Never throws. */
  probe(): Promise<ImageStoreProbe>;
  /** What a container is made from; undefined while the engine lacks it. */
  find(name: string, digest: string): Promise<string | undefined>;
  /** Brings the layers that are missing, and nothing else where the engine takes that; then the name. All or nothing. */
  load(image: ArchivedImage, source: ByteSource, options: LoadOptions): Promise<LoadProgress>;
  /** `inUse`: a container needs it. */
  remove(name: string, digest: string): Promise<'removed' | 'inUse'>;
  /** On the disk of the engine; undefined where that is not known. */
  freeBytes(): Promise<number | undefined>;
}
