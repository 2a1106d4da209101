FROM python:3.12-slim
# Serves models: docker build -t gankit . && docker run -p 8400:8400 -v ./models:/models gankit /models/NAME.safetensors
# INDEX: the address of an index with builds of torch for CPUs, which are smaller.
ARG INDEX=
WORKDIR /gankit
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir ${INDEX:+--index-url $INDEX} torch && pip install --no-cache-dir .[serve]
RUN useradd --create-home gankit
USER gankit
EXPOSE 8400
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8400/live')"]
ENTRYPOINT ["gankit", "serve", "--host", "0.0.0.0", "--port", "8400"]
