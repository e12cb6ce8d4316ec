//! The layers of a DenseNet in the order in which an image passes them, with shapes, parameters and
//! multiply-accumulates in closed form.

use serde::{Deserialize, Serialize};

use super::densenet::{DenseNet, DropoutAfter, NetworkError, Order, Stem};

/// The shape of one image's feature maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Feature maps.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Values in the feature maps of one image.
    pub fn values(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// Padding keeps a 3x3 window's size at stride 1; `stride` divides it, rounded up.
    fn strided(self, stride: usize) -> Self {
        Self {
            height: self.height.div_ceil(stride),
            width: self.width.div_ceil(stride),
            ..self
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Operation {
    /// A square convolution without bias.
    Convolution {
        /// The window's side.
        kernel: usize,
        /// The step between windows.
        stride: usize,
        /// Zeros added on each side.
        padding: usize,
    },
    /// Batch normalisation with a learned scale and shift a channel.
    BatchNorm,
    /// max(0, x).
    Relu,
    /// Dropout while training, the identity in evaluation.
    Dropout,
    /// Max pooling, 3x3, stride 2, padding 1.
    MaxPool,
    /// Average pooling, 2x2, stride 2.
    AveragePool,
    /// The layer's input and its new channels, one after the other.
    Concatenation,
    /// The mean of each feature map.
    GlobalAveragePool,
    /// The classifier: a matrix and a bias.
    Linear,
}

/// One layer of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The module's name in torchvision's scheme, `features.denseblock1.denselayer1.conv1`.
    pub name: String,
    /// What it does.
    pub operation: Operation,
    /// One image's input.
    pub input: Shape,
    /// One image's output.
    pub output: Shape,
}

impl Layer {
    /// Learned values.
    pub fn parameters(&self) -> usize {
        match self.operation {
            Operation::Convolution { kernel, .. } => kernel * kernel * self.input.channels * self.output.channels,
            Operation::BatchNorm => 2 * self.output.channels,
            Operation::Linear => (self.input.channels + 1) * self.output.channels,
            _ => 0,
        }
    }

    /// The layer's tensors in PyTorch's layout, learned values first, then running statistics: (name, shape).
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let named = |part: &str, shape: Vec<usize>| (format!("{}.{part}", self.name), shape);
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        match self.operation {
            Operation::Convolution { kernel, .. } => vec![named("weight", vec![outputs, inputs, kernel, kernel])],
            Operation::BatchNorm => ["weight", "bias", "running_mean", "running_var"]
                .map(|part| named(part, vec![outputs]))
                .to_vec(),
            Operation::Linear => vec![named("weight", vec![outputs, inputs]), named("bias", vec![outputs])],
            _ => Vec::new(),
        }
    }

    /// Multiply-accumulates for one image: convolutions and the classifier, as is usual; the normalisations and
    /// poolings are not counted.
    pub fn macs(&self) -> u64 {
        match self.operation {
            Operation::Convolution { kernel, .. } => {
                (kernel * kernel * self.input.channels) as u64 * self.output.values() as u64
            }
            Operation::Linear => (self.input.channels * self.output.channels) as u64,
            _ => 0,
        }
    }
}

/// A network laid out for images of one shape and a number of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network's options.
    pub network: DenseNet,
    /// One image.
    pub input: Shape,
    /// Classes that the classifier tells apart.
    pub classes: usize,
    /// Every layer, in the order of the forward pass.
    pub layers: Vec<Layer>,
}

impl Plan {
    /// Learned values of the whole network.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }

    /// Multiply-accumulates of convolutions and classifier for one image.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(Layer::macs).sum()
    }

    /// Convolutions and the classifier: the depth L of the paper's names (DenseNet-121 has 121).
    pub fn depth(&self) -> usize {
        let weighted = |layer: &&Layer| matches!(layer.operation, Operation::Convolution { .. } | Operation::Linear);
        self.layers.iter().filter(weighted).count()
    }

    /// Checks that every batch normalisation sees more than one value a channel while training with batches of
    /// `batch_size` images: the variance of a single value is undefined.
    ///
    /// # Errors
    /// The first normalisation that would see one value.
    pub fn check_training_batch(&self, batch_size: usize) -> Result<(), NetworkError> {
        let single = self.layers.iter().find(|layer| {
            layer.operation == Operation::BatchNorm && batch_size * layer.input.height * layer.input.width == 1
        });
        match single {
            None => Ok(()),
            Some(layer) => Err(NetworkError {
                option: "batch-size",
                rule: format!(
                    "a batch of {batch_size} image leaves {} one value per channel (a 1x1 map), of which there is no variance",
                    layer.name
                ),
                remedy: "train with larger batches or larger images".to_owned(),
            }),
        }
    }
}

impl DenseNet {
    /// Lays the network out for images of `input` shape and `classes` classes.
    ///
    /// # Errors
    /// A rule of [`DenseNet::check`], no class, or an image too small for the network's pooling.
    pub fn plan(&self, input: Shape, classes: usize) -> Result<Plan, NetworkError> {
        self.check()?;
        if classes == 0 || input.values() == 0 {
            return Err(NetworkError {
                option: "dataset",
                rule: format!("the data have {classes} classes and images of {input}"),
                remedy: "each must be at least 1".to_owned(),
            });
        }
        let mut builder = Builder {
            layers: Vec::new(),
            shape: input,
        };
        builder.stem(self);
        let transitions = self.block_layers.len() - 1;
        for (block, &layers) in self.block_layers.iter().enumerate() {
            builder.dense_block(self, block + 1, layers);
            if block < transitions {
                if builder.shape.height < 2 || builder.shape.width < 2 {
                    let smallest = self.smallest_image();
                    return Err(NetworkError {
                        option: "image-size",
                        rule: format!(
                            "images of {}x{} are too small: transition {} would pool a {}x{} map by 2x2",
                            input.height,
                            input.width,
                            block + 1,
                            builder.shape.height,
                            builder.shape.width
                        ),
                        remedy: format!("this network needs at least {smallest}x{smallest}, or fewer blocks"),
                    });
                }
                builder.transition(self, block + 1);
            }
        }
        builder.head(self, classes);
        Ok(Plan {
            network: self.clone(),
            input,
            classes,
            layers: builder.layers,
        })
    }

    /// The smallest side of a square image that every transition can still pool.
    fn smallest_image(&self) -> usize {
        let before_first_transition = 1usize << (self.block_layers.len() - 1).min(30);
        match self.stem {
            Stem::Cifar => before_first_transition,
            // Two halvings, each rounded up.
            Stem::Imagenet => 4 * (before_first_transition - 1) + 1,
        }
    }
}

/// Appends layers and keeps the shape that the last one left.
struct Builder {
    layers: Vec<Layer>,
    shape: Shape,
}

impl Builder {
    fn push(&mut self, name: String, operation: Operation, output: Shape) {
        self.layers.push(Layer {
            name,
            operation,
            input: self.shape,
            output,
        });
        self.shape = output;
    }

    fn convolution(&mut self, name: String, kernel: usize, stride: usize, channels: usize) {
        let operation = Operation::Convolution {
            kernel,
            stride,
            padding: kernel / 2,
        };
        self.push(name, operation, self.shape.with_channels(channels).strided(stride));
    }

    fn same_shape(&mut self, name: String, operation: Operation) {
        self.push(name, operation, self.shape);
    }

    fn stem(&mut self, network: &DenseNet) {
        let channels = network.initial_channels;
        match network.stem {
            Stem::Cifar => self.convolution("features.conv0".into(), 3, 1, channels),
            Stem::Imagenet => self.convolution("features.conv0".into(), 7, 2, channels),
        }
        // Without pre-activation no later layer normalises the stem's output, so it does so itself.
        if network.stem == Stem::Imagenet || network.order == Order::PostActivation {
            self.same_shape("features.norm0".into(), Operation::BatchNorm);
            self.same_shape("features.relu0".into(), Operation::Relu);
        }
        if network.stem == Stem::Imagenet {
            self.push("features.pool0".into(), Operation::MaxPool, self.shape.strided(2));
        }
    }

    /// A normalisation, a ReLU and a convolution in the network's order; with dropout after the convolution.
    fn composite(&mut self, network: &DenseNet, names: CompositeNames, kernel: usize, channels: usize) {
        let before = network.order == Order::PreActivation;
        let activation = |builder: &mut Self| {
            builder.same_shape(names.path(&names.norm), Operation::BatchNorm);
            if names.relu_stands {
                builder.same_shape(names.path(&names.relu), Operation::Relu);
            }
        };
        if before {
            activation(self);
        }
        self.convolution(names.path(&names.conv), kernel, 1, channels);
        if !before {
            activation(self);
        }
        let after_every = network.dropout_after == DropoutAfter::EveryConvolution;
        if network.dropout > 0.0 && (after_every || kernel == 3) {
            self.same_shape(names.path(&names.drop), Operation::Dropout);
        }
    }

    fn dense_block(&mut self, network: &DenseNet, block: usize, layers: usize) {
        for layer in 1..=layers {
            let prefix = format!("features.denseblock{block}.denselayer{layer}");
            let input = self.shape;
            if network.bottleneck {
                self.composite(
                    network,
                    CompositeNames::numbered(&prefix, 1),
                    1,
                    network.bottleneck_channels(),
                );
                self.composite(network, CompositeNames::numbered(&prefix, 2), 3, network.growth_rate);
            } else {
                self.composite(network, CompositeNames::numbered(&prefix, 1), 3, network.growth_rate);
            }
            let output = input.with_channels(input.channels + network.growth_rate);
            self.push(format!("{prefix}.concatenation"), Operation::Concatenation, output);
        }
    }

    fn transition(&mut self, network: &DenseNet, number: usize) {
        let names = CompositeNames {
            prefix: format!("features.transition{number}"),
            norm: "norm".into(),
            relu: "relu".into(),
            conv: "conv".into(),
            drop: "drop".into(),
            relu_stands: network.transition_relu,
        };
        self.composite(network, names, 1, network.compressed(self.shape.channels));
        let pooled = Shape {
            height: self.shape.height / 2,
            width: self.shape.width / 2,
            ..self.shape
        };
        self.push(
            format!("features.transition{number}.pool"),
            Operation::AveragePool,
            pooled,
        );
    }

    fn head(&mut self, network: &DenseNet, classes: usize) {
        if network.order == Order::PreActivation {
            self.same_shape("features.norm5".into(), Operation::BatchNorm);
            if network.final_relu {
                self.same_shape("features.relu5".into(), Operation::Relu);
            }
        }
        let vector = |channels| Shape {
            channels,
            height: 1,
            width: 1,
        };
        let channels = self.shape.channels;
        self.push("features.pool5".into(), Operation::GlobalAveragePool, vector(channels));
        self.push("classifier".into(), Operation::Linear, vector(classes));
    }
}

/// The names of one composite function's parts, and whether it has a ReLU.
struct CompositeNames {
    prefix: String,
    norm: String,
    relu: String,
    conv: String,
    drop: String,
    relu_stands: bool,
}

impl CompositeNames {
    fn numbered(prefix: &str, number: usize) -> Self {
        Self {
            prefix: prefix.to_owned(),
            norm: format!("norm{number}"),
            relu: format!("relu{number}"),
            conv: format!("conv{number}"),
            drop: format!("drop{number}"),
            relu_stands: true,
        }
    }

    fn path(&self, part: &str) -> String {
        format!("{}.{part}", self.prefix)
    }
}
