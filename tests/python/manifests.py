"""Holds manifests on standard input to the schemas of Kubernetes' API, strictly: a field that it does not know is a mistake.

Run as `manifests.py VERSION..`; answers with the manifests as JSON, and what is wrong with them in each version.
"""

import json
import sys

import kubernetes_validate
import yaml

documents = [document for document in yaml.safe_load_all(sys.stdin) if document]
mistakes = []
for version in sys.argv[1:]:
    for document in documents:
        name = f"{version}: {document['kind']}/{document['metadata']['name']}"
        try:
            against = kubernetes_validate.validate(document, version, strict=True)
            if against != version:
                mistakes.append(f"{name}: there is no schema of this version, only of {against}")
        except kubernetes_validate.ValidationError as error:
            mistakes.append(f"{name}: {'.'.join(map(str, error.path))}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            mistakes.append(f"{name}: {error.message}")
json.dump({"documents": documents, "mistakes": mistakes}, sys.stdout)
