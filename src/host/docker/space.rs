//! What Docker says it holds and who uses it: images, containers, volumes, build cache. Docker walks everything for this
//! answer, so it is asked seldom.

use std::collections::HashMap;

use serde::Deserialize;

use super::answer::{cut, is_id};
use super::{Docker, Error};

/// The newest API in which the answer has this shape; 1.52 may leave it out.
const NEWEST_API: (usize, usize) = (1, 51);
/// Of each kind, at most so many are kept.
const MOST: usize = 10_000;
/// Names of an image that are kept; one with more is never removed, because not all of them were shown.
const MOST_NAMES: usize = 100;
const PROJECT_LABEL: &str = "com.docker.compose.project";

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageUse {
    /// `sha256:` and 64 hexadecimal digits.
    pub id: String,
    /// Names with tags, then names with digests.
    pub names: Vec<String>,
    pub project: Option<String>,
    /// Seconds since 1970.
    pub created: i64,
    /// All its layers, in bytes.
    pub size: u64,
    /// Of these, the ones that other images have, too; `None`: not known.
    pub shared: Option<u64>,
    /// Containers made of it, as Docker counts them; `None`: not counted.
    pub users: Option<u64>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerUse {
    pub id: String,
    pub name: String,
    pub image_id: String,
    /// The image as it was named when the container was made.
    pub image: String,
    pub project: Option<String>,
    /// Made by `compose run`.
    pub oneoff: bool,
    /// Docker's word.
    pub state: String,
    pub created: i64,
    /// What it wrote beside its image, in bytes.
    pub size: u64,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeUse {
    pub name: String,
    pub driver: String,
    pub project: Option<String>,
    /// Whether nobody gave it a name: see `is_anonymous`.
    pub anonymous: bool,
    pub created: Option<jiff::Timestamp>,
    /// `None`: not known.
    pub size: Option<u64>,
    /// Containers that use it, running or not; `None`: not known.
    pub users: Option<u64>,
}

/// One entry of the build cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    pub id: String,
    pub in_use: bool,
    /// An image has it, too: removing it frees nothing.
    pub shared: bool,
    pub size: u64,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub images: Vec<ImageUse>,
    pub containers: Vec<ContainerUse>,
    pub volumes: Vec<VolumeUse>,
    pub cache: Vec<CacheUse>,
}

impl Docker {
    /// What Docker holds. Takes as long as Docker needs to walk its volumes.
    pub async fn read_space(&self) -> Result<Space, Error> {
        let body = self.ask_plain("disk usage", "system/df", NEWEST_API).await?;
        parse_space(&body).ok_or_else(|| Error::reply("docker", "disk usage: the answer is not Docker's JSON"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    images: Option<Vec<ImageAnswer>>,
    containers: Option<Vec<ContainerAnswer>>,
    volumes: Option<Vec<VolumeAnswer>>,
    build_cache: Option<Vec<CacheAnswer>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ImageAnswer {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    created: i64,
    size: i64,
    shared_size: Option<i64>,
    containers: Option<i64>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerAnswer {
    id: String,
    names: Option<Vec<String>>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    created: i64,
    state: String,
    size_rw: Option<i64>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeAnswer {
    name: String,
    driver: String,
    created_at: Option<String>,
    labels: Option<HashMap<String, String>>,
    options: Option<HashMap<String, String>>,
    usage_data: Option<UsageAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UsageAnswer {
    size: i64,
    ref_count: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CacheAnswer {
    #[serde(rename = "ID")]
    id: String,
    in_use: bool,
    shared: bool,
    size: i64,
}

/// The answer to `/system/df`. `None`: it is not that. What has no name that Docker gives is left out.
pub fn parse_space(answer: &[u8]) -> Option<Space> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let (images, volumes) = (answer.images.unwrap_or_default(), answer.volumes.unwrap_or_default());
    let (containers, cache) = (answer.containers.unwrap_or_default(), answer.build_cache.unwrap_or_default());
    Some(Space {
        images: images.into_iter().filter_map(pick_image).take(MOST).collect(),
        containers: containers.into_iter().filter_map(pick_container).take(MOST).collect(),
        volumes: volumes.into_iter().filter_map(pick_volume).take(MOST).collect(),
        cache: cache.into_iter().map(pick_cache).take(MOST).collect(),
    })
}

/// Whether `id` is an image's id.
pub fn is_image_id(id: &str) -> bool {
    id.strip_prefix("sha256:").is_some_and(is_id)
}

/// Whether `name` can be a volume's: what Docker allows, so that nothing else comes into the path of a question.
pub fn is_volume_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 255 && name.chars().all(fits)
}

/// Whether `name` can be an image's name with a tag or a digest.
pub fn is_image_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/:@".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 512
        && name.chars().all(fits)
        && !name.split('/').any(|part| part.is_empty() || part.starts_with('.'))
}

/// A volume that nobody named: Docker then takes 64 hexadecimal digits. One that was made with options, by another driver,
/// or by Compose for a name of its own is taken for named, whatever it is called.
pub(super) fn is_anonymous(
    name: &str,
    driver: &str,
    options: Option<&HashMap<String, String>>,
    labels: Option<&HashMap<String, String>>,
) -> bool {
    let plain = options.is_none_or(HashMap::is_empty);
    let composed = labels.is_some_and(|labels| labels.contains_key("com.docker.compose.volume"));
    is_id(name) && driver == "local" && plain && !composed
}

fn project_of(labels: Option<HashMap<String, String>>) -> Option<String> {
    labels?.get(PROJECT_LABEL).filter(|name| !name.is_empty()).map(|name| cut(name))
}

fn pick_image(image: ImageAnswer) -> Option<ImageUse> {
    if !is_image_id(&image.id) {
        return None;
    }
    let names = image.repo_tags.unwrap_or_default().into_iter().chain(image.repo_digests.unwrap_or_default());
    let named = |name: &String| is_image_name(name) && !name.contains("<none>");
    Some(ImageUse {
        id: image.id,
        names: names.filter(named).take(MOST_NAMES).collect(),
        project: project_of(image.labels),
        created: image.created,
        size: u64::try_from(image.size).unwrap_or_default(),
        shared: image.shared_size.and_then(|size| u64::try_from(size).ok()),
        users: image.containers.and_then(|count| u64::try_from(count).ok()),
    })
}

fn pick_container(container: ContainerAnswer) -> Option<ContainerUse> {
    if !is_id(&container.id) {
        return None;
    }
    let label = |key: &str| container.labels.as_ref().and_then(|labels| labels.get(key));
    let oneoff = label("com.docker.compose.oneoff").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let name = container.names.unwrap_or_default().into_iter().min_by_key(|name| name.matches('/').count());
    Some(ContainerUse {
        name: name.map(|name| cut(name.trim_start_matches('/'))).unwrap_or_default(),
        image_id: cut(&container.image_id),
        image: cut(&container.image),
        oneoff,
        project: project_of(container.labels),
        state: cut(&container.state),
        created: container.created,
        size: container.size_rw.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        id: container.id,
    })
}

fn pick_volume(volume: VolumeAnswer) -> Option<VolumeUse> {
    if !is_volume_name(&volume.name) {
        return None;
    }
    let usage =
        |pick: fn(&UsageAnswer) -> i64| volume.usage_data.as_ref().and_then(|usage| u64::try_from(pick(usage)).ok());
    Some(VolumeUse {
        anonymous: is_anonymous(&volume.name, &volume.driver, volume.options.as_ref(), volume.labels.as_ref()),
        size: usage(|usage| usage.size),
        users: usage(|usage| usage.ref_count),
        created: volume.created_at.as_deref().and_then(|text| text.parse().ok()),
        driver: cut(&volume.driver),
        project: project_of(volume.labels),
        name: volume.name,
    })
}

fn pick_cache(entry: CacheAnswer) -> CacheUse {
    let size = u64::try_from(entry.size).unwrap_or_default();
    CacheUse { id: cut(&entry.id), in_use: entry.in_use, shared: entry.shared, size }
}
