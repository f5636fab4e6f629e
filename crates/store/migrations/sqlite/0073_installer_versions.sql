-- What programs that install a package version say of themselves. Texts that they lack are empty.
CREATE TABLE installer_versions (
    package TEXT NOT NULL,
    package_version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    product_name TEXT NOT NULL,
    company_name TEXT NOT NULL,
    product_version TEXT NOT NULL,
    file_version TEXT NOT NULL,
    fixed_product_version TEXT NOT NULL,
    fixed_file_version TEXT NOT NULL,
    PRIMARY KEY (package, package_version, sha256)
) STRICT;
