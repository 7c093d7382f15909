# coconet-edge on JetPack 6.2 (L4T 36.4). For JetPack 7 take its image and cuda-bindings 13.
# Written after NVIDIA's documentation of the image; not built yet.
FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv python3-libnvinfer python3-opencv v4l-utils \
    && rm -rf /var/lib/apt/lists/*

# The system's packages are seen: TensorRT, and an OpenCV with GStreamer that pip's would hide.
RUN python3 -m venv --system-site-packages /opt/coconet
ENV PATH=/opt/coconet/bin:$PATH
RUN pip install --no-cache-dir 'numpy<2' av onnxruntime typer rich pydantic tomli 'cuda-bindings==12.6.*'

COPY . /src
RUN pip install --no-cache-dir --no-deps /src

RUN useradd --create-home --groups video coconet
USER coconet
WORKDIR /data
ENTRYPOINT ["coconet"]
CMD ["doctor"]
