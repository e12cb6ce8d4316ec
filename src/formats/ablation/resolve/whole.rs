//! The file as a whole: what it is called, and all sections of one variant.

use super::reader::Reader;
use super::{data, measure, model, train};
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::layout::MapLayout;
use crate::formats::ablation::precision::Precision;
use crate::formats::ablation::settings::{Execution, RunSettings, Settings, TrainSettings};
use crate::network::Architecture;

/// A folder's name, on every file system.
const LONGEST_NAME: usize = 100;

/// The ablation's name.
pub fn name(reader: &Reader<'_>) -> Result<String, Fault> {
    let name = reader
        .text("name")
        .ok_or_else(|| reader.fault("name", "the ablation has no name"))?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(allowed) && name.len() <= LONGEST_NAME {
        return Ok(name.to_owned());
    }
    Err(reader.fault_with(
        "name",
        format!("name is {name:?}; it names a folder and takes up to {LONGEST_NAME} of a-z, 0-9 and -"),
        "choose a name such as \"growth-rate\"",
    ))
}

/// The ablation's question.
pub fn question(reader: &Reader<'_>) -> Result<String, Fault> {
    let question = reader.text("question");
    question
        .map(str::to_owned)
        .ok_or_else(|| reader.fault("question", "the ablation has no question"))
}

/// How feature maps lie; none where the device decides.
fn layout(reader: &Reader<'_>, execution: Execution) -> Result<Option<MapLayout>, Fault> {
    let word = reader.text("run.layout").unwrap_or("auto");
    let named = MapLayout::ALL.into_iter().find(|layout| layout.name() == word);
    if execution == Execution::Aten || named.is_none() {
        return Ok(named);
    }
    if reader.is_misplaced("run.layout", "run.execution") {
        let why = match execution {
            Execution::Plain => "Burn's modules have maps in nchw alone",
            Execution::Fused => "its kernels work on maps in channels-last alone",
            Execution::Recompute | Execution::Aten => "it has its maps as is fastest on the device",
        };
        return Err(reader.fault_with(
            "run.layout",
            format!("layout is \"{word}\", which is for the execution aten, but the execution is {execution}: {why}"),
            "remove layout, or write execution = \"aten\"",
        ));
    }
    Ok(None)
}

/// What numbers are computed in. Sixteen bits are libtorch's autocast, which belongs to its own graph: an execution beside it
/// would compute something else under the same name, and so is an error even where a sweep brings it.
fn precision(reader: &Reader<'_>, execution: Execution) -> Result<Precision, Fault> {
    let precision: Precision = reader.word("run.precision")?.unwrap_or_default();
    if precision.is_half() && execution != Execution::Aten {
        return Err(reader.fault_with(
            "run.precision",
            format!(
                "precision is \"{precision}\", which the execution aten alone has, and the execution is {execution}"
            ),
            "write execution = \"aten\" beside it, or leave precision out",
        ));
    }
    Ok(precision)
}

/// Whether training steps are recorded and replayed, which needs steps of the same operations on the same tensors each time.
fn cuda_graph(
    reader: &Reader<'_>,
    (execution, precision): (Execution, Precision),
    model: &Architecture,
    train: Option<&TrainSettings>,
) -> Result<bool, Fault> {
    if !reader.flag("run.cuda-graph").unwrap_or(false) {
        return Ok(false);
    }
    let refused = |why: String, remedy: &str| {
        let rule = format!("cuda-graph is true, and {why}");
        Err(reader.fault_with("run.cuda-graph", rule, format!("{remedy}, or leave cuda-graph out")))
    };
    if execution != Execution::Aten {
        return refused(
            format!("the execution is {execution}, whose steps are not recorded"),
            "write execution = \"aten\"",
        );
    }
    if precision == Precision::F16 {
        return refused(
            "precision is \"f16\": whether a step is skipped is decided between its operations".to_owned(),
            "write precision = \"bf16\"",
        );
    }
    if let Some(dropout) = model.columns().dropout.filter(|&share| share > 0.0) {
        return refused(
            format!("dropout is {dropout}: its masks are drawn anew in each step"),
            "write dropout = 0",
        );
    }
    if let Some(mixup) = train.map(|train| train.mixup).filter(|&alpha| alpha > 0.0) {
        return refused(
            format!("mixup is {mixup}: each step's loss has shares of its own"),
            "write mixup = 0",
        );
    }
    Ok(true)
}

/// The execution that is named, or the one that alone has what is asked for beside it; none where the device and the network
/// decide.
fn execution(reader: &Reader<'_>) -> Result<Option<Execution>, Fault> {
    match reader.text("run.execution") {
        None => return Ok(Some(Execution::Plain)),
        Some("auto") => {}
        Some(_) => return reader.word("run.execution"),
    }
    let is_named = |key| reader.text(key).is_some_and(|word| word != "auto");
    let precision: Precision = reader.word("run.precision")?.unwrap_or_default();
    let records = reader.flag("run.cuda-graph").unwrap_or(false);
    Ok(match () {
        () if precision.is_half() || records || is_named("run.layout") => Some(Execution::Aten),
        () if is_named("run.instructions") => Some(Execution::Fused),
        () => None,
    })
}

/// Every setting of a variant.
pub fn settings(reader: &Reader<'_>) -> Result<Settings, Fault> {
    let deterministic = reader.flag("run.deterministic").unwrap_or(true);
    let cudnn_benchmark = reader.flag("run.cudnn-benchmark").unwrap_or(false);
    if deterministic && cudnn_benchmark {
        return Err(reader.fault_with(
            "run.cudnn-benchmark",
            "cudnn-benchmark is true, and deterministic is too: the fastest algorithm may be another each time, so that results do \
             not repeat",
            "write deterministic = false beside it, or leave cudnn-benchmark out",
        ));
    }
    let named = execution(reader)?;
    let execution = named.unwrap_or(Execution::Plain);
    let precision = precision(reader, execution)?;
    let (model, train) = (model::network(reader)?, train::settings(reader)?);
    let cuda_graph = cuda_graph(reader, (execution, precision), &model, train.as_ref())?;
    Ok(Settings {
        data: data::settings(reader)?,
        preset: reader.text("model.preset").map(str::to_owned),
        model,
        weights: reader.path("model.weights"),
        train,
        measure: measure::settings(reader)?,
        run: RunSettings {
            execution,
            chooses_execution: named.is_none(),
            deterministic,
            precision,
            layout: layout(reader, execution)?,
            threads: reader.count("run.threads"),
            allocator: reader.word("run.allocator")?.unwrap_or_default(),
            cudnn_benchmark,
            cuda_graph,
            instructions: reader.word("run.instructions")?.unwrap_or_default(),
        },
    })
}
