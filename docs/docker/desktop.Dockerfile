# coconet-edge on a desktop GPU, with the TensorRT of NVIDIA's image. Written after its documentation; not built yet.
FROM nvcr.io/nvidia/tensorrt:25.10-py3

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

RUN python3 -m venv --system-site-packages /opt/coconet
ENV PATH=/opt/coconet/bin:$PATH
COPY . /src
RUN pip install --no-cache-dir '/src[gpu]'

RUN useradd --create-home --groups video coconet
USER coconet
WORKDIR /data
ENTRYPOINT ["coconet"]
CMD ["doctor"]
