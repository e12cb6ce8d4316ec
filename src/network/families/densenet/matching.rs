//! The width at which a network with other connections has as many parameters as the dense one.

use super::options::{Connectivity, DenseNet, usual_initial_channels};
use crate::network::{GraphBuilder, NetworkError, Shape};

/// The largest difference of the parameters, as a share of the dense network's.
const TOLERANCE: f64 = 0.01;

/// How far the initial channels may be from the usual ones, as a multiple of these.
const FARTHEST: usize = 4;

impl DenseNet {
    /// The network of the width that `match_parameters` asks for: the growth rate, and where its steps are too coarse the
    /// initial channels, at which there are as many parameters as with full dense connections and one growth rate, within
    /// 1 %, for images of `input` and `classes` classes. None where nothing is to be solved for.
    ///
    /// # Errors
    /// Images that are too small, and networks of which no width comes that near.
    pub(super) fn matched(&self, input: Shape, classes: usize) -> Result<Option<Self>, NetworkError> {
        if !self.match_parameters {
            return Ok(None);
        }
        let own = Self {
            match_parameters: false,
            ..self.clone()
        };
        let dense = Self {
            connectivity: Connectivity::Dense,
            visible_layers: None,
            growth_doubling: false,
            ..own.clone()
        };
        if own == dense {
            return Ok(Some(own));
        }
        let count = |network: &Self| network.count(input, classes);
        let wanted = count(&dense)?;
        let above = own.first_width_above(wanted, count)?;
        let mut nearest: Option<(usize, usize, Self)> = None;
        let with_usual = [above.saturating_sub(1).max(1), above].map(|growth_rate| own.with_growth_rate(growth_rate));
        // The initial channels nearest to the usual ones that come near enough.
        for offset in 0..=FARTHEST * with_usual[1].initial_channels {
            for network in with_usual
                .iter()
                .flat_map(|network| network.with_other_initial_channels(offset))
            {
                if network.rules().is_ok() {
                    let parameters = count(&network)?;
                    let miss = parameters.abs_diff(wanted);
                    if nearest.as_ref().is_none_or(|(least, ..)| miss < *least) {
                        nearest = Some((miss, parameters, network));
                    }
                }
            }
            match nearest.take() {
                Some((miss, _, network)) if miss as f64 <= TOLERANCE * wanted as f64 => return Ok(Some(network)),
                other => nearest = other,
            }
        }
        let nearest = nearest.map_or_else(String::new, |(_, parameters, network)| {
            format!(
                "; the nearest has {parameters} with growth-rate {} and initial-channels {}",
                network.growth_rate, network.initial_channels
            )
        });
        Err(NetworkError::new(
            "match-parameters",
            format!("no growth-rate gives within 1 % of the {wanted} parameters of the dense network{nearest}"),
            "leave match-parameters out and give growth-rate, or take more layers or a larger growth-rate",
        ))
    }

    /// The same network with `offset` initial channels fewer, where that leaves any, and with as many more.
    fn with_other_initial_channels(&self, offset: usize) -> impl Iterator<Item = Self> {
        let fewer = self
            .initial_channels
            .checked_sub(offset)
            .filter(|&channels| channels > 0);
        let more = (offset > 0).then_some(self.initial_channels + offset);
        let network = self.clone();
        fewer.into_iter().chain(more).map(move |initial_channels| Self {
            initial_channels,
            ..network.clone()
        })
    }

    /// The same network with another growth rate, whose initial channels follow where they were the usual ones.
    fn with_growth_rate(&self, growth_rate: usize) -> Self {
        let is_usual = self.initial_channels == usual_initial_channels(self.growth_rate, self.bottleneck);
        Self {
            growth_rate,
            initial_channels: if is_usual {
                usual_initial_channels(growth_rate, self.bottleneck)
            } else {
                self.initial_channels
            },
            ..self.clone()
        }
    }

    /// The smallest growth rate with at least `wanted` parameters.
    fn first_width_above(
        &self,
        wanted: usize,
        count: impl Fn(&Self) -> Result<usize, NetworkError>,
    ) -> Result<usize, NetworkError> {
        let reaches = |growth_rate| Ok::<_, NetworkError>(count(&self.with_growth_rate(growth_rate))? >= wanted);
        let mut above = self.growth_rate;
        while !reaches(above)? {
            above *= 2;
        }
        let mut below = 0;
        while above - below > 1 {
            let middle = below.midpoint(above);
            if reaches(middle)? {
                above = middle;
            } else {
                below = middle;
            }
        }
        Ok(above)
    }

    fn count(&self, input: Shape, classes: usize) -> Result<usize, NetworkError> {
        let mut graph = GraphBuilder::new(input, classes);
        self.lay_out_all(&mut graph)?;
        Ok(graph.finish(self.initialization).parameters())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(network: &DenseNet, side: usize) -> DenseNet {
        let asked = DenseNet {
            match_parameters: true,
            ..network.clone()
        };
        asked.matched(Shape::square(3, side), 10).unwrap().unwrap()
    }

    #[test]
    fn other_connections_get_the_width_at_which_the_parameters_agree_within_a_hundredth() {
        for bottleneck in [false, true] {
            for (layers, growth_rate, compression) in [(3, 8, 1.0), (6, 12, 0.5), (16, 12, 0.5), (12, 24, 1.0)] {
                let dense = DenseNet {
                    block_layers: vec![layers; 3],
                    growth_rate,
                    bottleneck,
                    compression,
                    initial_channels: usual_initial_channels(growth_rate, bottleneck),
                    ..DenseNet::BASIC
                };
                let wanted = dense.count(Shape::square(3, 32), 10).unwrap();
                let others = [
                    DenseNet {
                        connectivity: Connectivity::Residual,
                        ..dense.clone()
                    },
                    DenseNet {
                        connectivity: Connectivity::Plain,
                        ..dense.clone()
                    },
                    DenseNet {
                        visible_layers: Some(2),
                        ..dense.clone()
                    },
                ];
                for other in others {
                    let found = matched(&other, 32);
                    let parameters = found.count(Shape::square(3, 32), 10).unwrap();
                    let share = parameters as f64 / wanted as f64;
                    assert!((share - 1.0).abs() <= 0.01, "{found:?}: {share}");
                    assert_eq!(found.connectivity, other.connectivity);
                    assert!(!found.match_parameters);
                }
                assert_eq!(matched(&dense, 32), dense, "the dense network is its own measure");
            }
        }
    }

    #[test]
    fn a_network_of_which_no_width_comes_near_is_an_error_with_the_nearest() {
        let narrow = DenseNet {
            block_layers: vec![2],
            growth_rate: 1,
            bottleneck: true,
            bottleneck_width: 1,
            initial_channels: 1,
            connectivity: Connectivity::Plain,
            match_parameters: true,
            ..DenseNet::BASIC
        };
        let error = narrow.matched(Shape::square(1, 8), 2).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("match-parameters") && said.contains("the nearest has"),
            "{said}"
        );
    }
}
