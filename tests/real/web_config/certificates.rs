//! Part of the web configuration tests: authorities, certificates and keys, made by openssl.

use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, arguments: &[&str]) {
    let told = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(told.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&told.stderr));
}

/// An authority `NAME.crt`, `NAME.key`.
pub fn make_authority(folder: &Path, name: &str) {
    let (key, cert) = (format!("{name}.key"), format!("{name}.crt"));
    let subject = format!("/CN={name}");
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut arguments = vec!["req", "-x509", "-days", "30", "-subj", &subject, "-keyout", &key, "-out", &cert];
    arguments.extend(curve);
    openssl(folder, &arguments);
}

/// `NAME.crt` and `NAME.key`, signed by `authority`, for `san` (`DNS:localhost,IP:127.0.0.1`).
pub fn make_certificate(folder: &Path, name: &str, authority: &str, san: &str) {
    let file = |end: &str| format!("{name}.{end}");
    let subject = format!("/CN={name}");
    let (key, request) = (file("key"), file("csr"));
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut arguments = vec!["req", "-new", "-subj", &subject, "-keyout", &key, "-out", &request];
    arguments.extend(curve);
    openssl(folder, &arguments);
    std::fs::write(folder.join(file("ext")), format!("subjectAltName={san}\nextendedKeyUsage=serverAuth,clientAuth\n"))
        .unwrap();
    let (ca, ca_key) = (format!("{authority}.crt"), format!("{authority}.key"));
    let (extensions, made) = (file("ext"), file("crt.new"));
    let arguments = [
        "x509",
        "-req",
        "-days",
        "30",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-CAcreateserial",
        "-extfile",
        &extensions,
        "-out",
        &made,
    ];
    openssl(folder, &arguments);
    std::fs::rename(folder.join(made), folder.join(file("crt"))).unwrap();
    // Readable as a page that runs as nobody needs it.
    for end in ["crt", "key"] {
        open_to_all(&folder.join(file(end)));
    }
}

pub fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

/// An authority, a server's certificate, a client's; another authority with a client's certificate.
pub fn make_all(folder: &Path) {
    make_authority(folder, "ca");
    make_certificate(folder, "server", "ca", "DNS:localhost,IP:127.0.0.1");
    make_certificate(folder, "client", "ca", "DNS:prometheus.example");
    make_authority(folder, "stranger-ca");
    make_certificate(folder, "stranger", "stranger-ca", "DNS:prometheus.example");
    for authority in ["ca.crt", "stranger-ca.crt"] {
        open_to_all(&folder.join(authority));
    }
}
