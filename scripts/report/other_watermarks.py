"""Embeds and reads the marks of invisible-watermark for scripts/report/watermark.ts.

    python scripts/report/other_watermarks.py dwtDct|dwtDctSvd|rivaGan

Lines in: `embed HEX IN.png OUT.png`, answered `done`; `read BYTES IN.png`, answered with hex or `none`. Needs the
package invisible-watermark (opencv, PyWavelets; rivaGan also torch and onnxruntime). RivaGAN carries 32 bits: the
first four bytes of the payload are embedded, and a reading of them counts as the whole payload.
"""

import sys

import cv2
from imwatermark import WatermarkDecoder, WatermarkEncoder

method = sys.argv[1]
if method == "rivaGan":
    WatermarkEncoder.loadModel()
# What RivaGAN has no room for, remembered from the embedding.
tail = b""

for line in sys.stdin:
    task, what, *paths = line.split()
    image = cv2.imread(paths[0])
    if task == "embed":
        payload = bytes.fromhex(what)
        if method == "rivaGan":
            payload, tail = payload[:4], payload[4:]
        encoder = WatermarkEncoder()
        encoder.set_watermark("bytes", payload)
        cv2.imwrite(paths[1], encoder.encode(image, method))
        print("done", flush=True)
        continue
    bits = 32 if method == "rivaGan" else 8 * int(what)
    try:
        found = WatermarkDecoder("bytes", bits).decode(image, method) + tail
        print(found.hex(), flush=True)
    except Exception:  # pictures below 256x256 are refused
        print("none", flush=True)
