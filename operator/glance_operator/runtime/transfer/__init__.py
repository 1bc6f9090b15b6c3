"""The program of a transfer Job: ``glance-operator transfer CONFIG`` brings one image's bytes into Glance's staging.

It is all that carries data: source -> digest -> decompression -> digests -> ``PUT /v2/images/ID/stage``, a few MiB at
a time. The image must be ``queued``; afterwards it is ``uploading``, and whoever started the Job imports it by
``glance-direct``. The contract with whoever starts it:

**CONFIG** is a JSON document, `core.transfer.config.TransferConfig`, its names in camelCase::

    {"source": {"addresses": ["https://host/a.qcow2.xz", "https://mirror/a.qcow2.xz"], "start": 0,
                "auth": {"usernameFile": "/secrets/source/username", "passwordFile": "/secrets/source/password"},
                "caFile": "/ca/bundle.pem"},
     "manifest": {"url": "https://host/SHA256SUMS", "keyringFile": "/keys/keyring"},
     "decompress": "Auto", "diskFormat": "qcow2", "containerFormat": "bare", "compressedAllowed": false,
     "glance": {"url": "http://glance:9292", "imageID": "6f0c…", "headersFile": "/secrets/glance/headers"},
     "limits": {"maxBytes": 549755813888, "stallSeconds": 300, "totalSeconds": 86400},
     "terminationLog": "/dev/termination-log", "progressSeconds": 5}

No secret is in it. ``source.auth`` may be ``{"headerFile": …}``, a whole Authorization header; ``source.file``
(``{"root": "/source", "path": "images/a.raw"}``) stands in place of ``addresses``; ``checksum``
(``{"algorithm": "sha256", "digest": "…"}``) in place of ``manifest``. ``headersFile`` has one ``Name: value`` a line:
``X-Auth-Token: …``, or what a trusted service believes. It is read when the staging begins.

**The environment** may name proxies (HTTP_PROXY, HTTPS_PROXY, NO_PROXY); they are used for Glance, too, so that a
service inside the cluster belongs into NO_PROXY. ``gpgv`` must be there if a keyring is given. The root file system
may be read-only, and no scratch space is needed. While a source is silent Glance is given a byte a second of what was
held back, so that neither it nor what is before it gives up.

**Addresses** are tried in turn, each at most once, beginning with ``start``: one that fails in whatever way, also at
its very end, is followed by the next. A download that is cut is resumed (Range) if the file is unchanged by its ETag
or Last-Modified. Credentials go to the origin of ``addresses[0]`` only, and never with a redirect to another one.

**Standard output** has a line of JSON every ``progressSeconds``: ``{"bytes": 38797312, "total": 536870912, "phase":
"downloading"}``: what the source has sent, of how much (null = it does not say), and one of preparing (the manifest
is read), downloading, finishing. The last line is the outcome, which is also written to ``terminationLog``:
`core.transfer.outcome.Success`, or `Failed`::

    {"ok":true,"source":"https://host/a.qcow2.xz","algorithm":"sha256","digest":"…","md5":"…","sha512":"…","bytes":…,
     "sourceBytes":…,"lengthKnown":true,"etag":…,"lastModified":…,"signedBy":…}
    {"ok":false,"reason":"SourceAnswered","message":"source answered 404","terminal":false,"retryAfter":null}

``md5``, ``sha512`` and ``bytes`` are of what was staged: the image's checksum, os_hash_value and size once it is
imported, if no plugin changes it. ``lengthKnown`` is false if a cut would have looked like the end.

**Exit codes**: 0 for ok, 1 for everything else. SIGTERM ends it at once. Where there is no outcome (it was killed)
nothing is known; the image tells: it is ``queued`` as soon as Glance has noticed.

Reasons: SourceAnswered, SourceUnreachable, SourceStalled, SourceTruncated, SourceEmpty, NotAnImage, FormatMismatch,
ChecksumMismatch, DecompressionFailed, TooLarge; ManifestUnreadable, NotInManifest, SignatureInvalid; StageRefused,
GlanceUnavailable; DeadlineExceeded, Interrupted, ConfigInvalid, InternalError. After StageRefused or GlanceUnavailable
the image may be other than ``queued``: look at it first.
"""
