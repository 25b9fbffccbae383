"""Maps the top-level folders to one import namespace, `wtl`."""

import setuptools

FOLDERS = {
    "wtl": "wtl",
    "wtl.collection": "collection",
    "wtl.datasets": "datasets",
    "wtl.policies": "policies",
    "wtl.gin_configs": "gin_configs",  # files only
}

setuptools.setup(
    package_dir=FOLDERS,
    packages=[
        name
        for package, folder in FOLDERS.items()
        for name in (
            package,
            *(
                f"{package}.{found}"
                for found in setuptools.find_namespace_packages(
                    folder, exclude=["*.page"]
                )
            ),
        )
    ],
)
