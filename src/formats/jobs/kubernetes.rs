//! Kubernetes: an indexed job whose pods share a volume, and the ablation file as a config map.

use std::fmt::Write;

use super::job::{Job, JobFile};
use super::quoting::{comment, container_word, yaml_text};

/// Where a pod finds what.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// The image.
    pub image: &'a str,
    /// The claim of the volume with the results; none: one is made.
    pub volume_claim: Option<&'a str>,
    /// The ablation file.
    pub ablation: &'a str,
}

/// Where the volume is mounted.
const RESULTS: &str = "/results";
/// Where the ablation file is.
const ABLATIONS: &str = "/ablation";
/// How often tasks that have failed are started again, all together: at least, and one for each.
const RETRIES: u32 = 6;
/// More than run at once anywhere; what is left is taken up by those that have ended their part.
const MOST_PODS: usize = 10_000;
/// The seconds that a pod has for its checkpoint when it is asked to stop.
const GRACE: u32 = 120;

/// The job's objects. Its pods are as many as there are units, or `at_once`.
pub fn kubernetes(job: &Job, container: &Container<'_>) -> Vec<JobFile> {
    let mut text = format!(
        "# {}: `kubectl apply -f job.yaml`. The pods share the volume, which several nodes must be able to write to.\n",
        comment(&job.name)
    );
    let name = yaml_text(&object_name(&job.name));
    let _ = write!(
        text,
        "apiVersion: v1\n\
         kind: ConfigMap\n\
         metadata:\n  \
           name: {name}\n\
         data:\n  \
           ablation.toml: {}\n",
        yaml_text(container.ablation)
    );
    let claim = match container.volume_claim {
        Some(claim) => yaml_text(claim),
        None => {
            let _ = write!(
                text,
                "---\n\
                 apiVersion: v1\n\
                 kind: PersistentVolumeClaim\n\
                 metadata:\n  \
                   name: {name}\n\
                 spec:\n  \
                   accessModes:\n    \
                     - ReadWriteMany\n  \
                   resources:\n    \
                     requests:\n      \
                       storage: \"10Gi\"\n"
            );
            name.clone()
        }
    };
    text += &indexed_job(job, container, &name, &claim);
    vec![JobFile { name: "job.yaml", text }]
}

fn indexed_job(job: &Job, container: &Container<'_>, name: &str, claim: &str) -> String {
    let resources = &job.resources;
    let pods = job.units.len().clamp(1, MOST_PODS);
    let at_once = resources
        .at_once
        .map_or(pods, |at_once| pods.min(at_once as usize).max(1));
    let own = ["--steal", "--out", RESULTS];
    let words = job.run.iter().map(String::as_str).chain(own);
    let words = words.map(|word| format!("            - {}\n", yaml_text(&container_word(word))));
    let mut limits = format!("              cpu: \"{}\"\n", resources.processors);
    if resources.gpus > 0 {
        let _ = writeln!(limits, "              nvidia.com/gpu: \"{}\"", resources.gpus);
    }
    let deadline = match resources.time {
        Some(time) => format!("      activeDeadlineSeconds: {}\n", time.seconds()),
        None => String::new(),
    };
    format!(
        "---\n\
         apiVersion: batch/v1\n\
         kind: Job\n\
         metadata:\n  \
           name: {name}\n\
         spec:\n  \
           completionMode: Indexed\n  \
           completions: {pods}\n  \
           parallelism: {at_once}\n  \
           backoffLimit: {retries}\n  \
           template:\n    \
             spec:\n      \
               restartPolicy: OnFailure\n      \
               terminationGracePeriodSeconds: {GRACE}\n\
         {deadline}      \
               containers:\n        \
                 - name: trial\n          \
                   image: {image}\n          \
                   command:\n            \
                     - \"densenet-bench\"\n          \
                   args:\n\
         {words}          \
                   env:\n            \
                     - name: DENSENET_BENCH_SHARDS\n              \
                       value: \"{pods}\"\n          \
                   resources:\n            \
                     limits:\n\
         {limits}          \
                   volumeMounts:\n            \
                     - name: results\n              \
                       mountPath: {RESULTS}\n            \
                     - name: ablation\n              \
                       mountPath: {ABLATIONS}\n      \
               volumes:\n        \
                 - name: results\n          \
                   persistentVolumeClaim:\n            \
                     claimName: {claim}\n        \
                 - name: ablation\n          \
                   configMap:\n            \
                     name: {name}\n",
        image = yaml_text(container.image),
        retries = RETRIES.max(u32::try_from(pods).unwrap_or(u32::MAX)),
        words = words.collect::<String>(),
    )
}

/// A name that Kubernetes takes for every object (RFC 1123): at most 63 letters, digits and hyphens, none of these at an end.
fn object_name(ablation: &str) -> String {
    let mut name = format!("densenet-bench-{}", ablation.trim_matches('-'));
    name.truncate(63);
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn an_objects_name_is_short_and_ends_with_a_letter_or_a_digit() {
        assert_eq!(object_name("growth"), "densenet-bench-growth");
        assert_eq!(object_name("-"), "densenet-bench");
        let long = object_name(&format!("{}-b", "a".repeat(47)));
        assert_eq!((long.len(), long.ends_with('a')), (62, true));
    }
}
