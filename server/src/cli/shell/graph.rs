//! What the shell asks: files or a store of this machine, or a server.

use std::borrow::Cow;
use std::time::Duration;

use foothold_engine::budget::{Budget, Limits, Stop};
use serde_json::{Map, Value as Json};

use super::Interrupt;
use super::remote::Remote;
use crate::app::{
    Estate, Mode, Question, Refused, Unanswered, ask, complete_in_bytes, params_from_json,
};
use crate::dto::answer::AnswerDto;
use crate::dto::schema::SchemaDto;

/// Where answers come from.
#[derive(Clone)]
pub(super) enum Graph {
    /// This process.
    Here(Estate),
    /// A server.
    There(Remote),
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The text is wrong.
    Refused(Refused),
    /// What was asked cannot be had.
    Failed(String),
}

/// What can be typed, and where the word that it replaces begins.
pub(super) struct Offer {
    pub(super) from: usize,
    /// Each with a few words about it.
    pub(super) items: Vec<(String, String)>,
}

impl Graph {
    /// Answers a query, unless the interrupt comes first.
    pub(super) fn ask(
        &self,
        text: &str,
        params: &Map<String, Json>,
        (time, limits): (Duration, Limits),
        interrupt: &Interrupt,
    ) -> Result<AnswerDto, NoAnswer> {
        let estate = match self {
            Graph::Here(estate) => estate,
            Graph::There(remote) => return remote.ask(text, params, (time, limits), interrupt),
        };
        let question = Question {
            text,
            tree: None,
            params: &params_from_json(params),
            at: None,
            what_if: None,
            mode: Mode::AsWritten,
            time,
        };
        let budget = Budget::new(limits);
        let handle = budget.stop_handle();
        let _running = interrupt.during(move || handle.stop(Stop::Cancelled));
        ask(estate, &question, &budget).map_err(|error| match error {
            Unanswered::Refused(refused) => NoAnswer::Refused(refused),
            Unanswered::App(error) => NoAnswer::Failed(error.to_string()),
        })
    }

    /// What can be typed at a byte of a text.
    pub(super) fn complete(&self, text: &str, at: usize) -> Offer {
        match self {
            Graph::Here(estate) => {
                let completion = complete_in_bytes(&estate.world(), text, at);
                let items = completion.items.into_iter();
                Offer {
                    from: completion.from,
                    items: items.map(|item| (item.label, item.detail)).collect(),
                }
            }
            // Nobody wants an error for a key that offers.
            Graph::There(remote) => remote.complete(text, at).unwrap_or(Offer {
                from: at,
                items: Vec::new(),
            }),
        }
    }

    /// What the graph is made of, and the rules.
    pub(super) fn schema(&self) -> anyhow::Result<SchemaDto> {
        match self {
            Graph::Here(estate) => Ok(estate.world().schema().clone()),
            Graph::There(remote) => remote.schema(),
        }
    }

    /// Where it is, where that is worth saying.
    pub(super) fn place(&self) -> Option<Cow<'_, str>> {
        match self {
            Graph::Here(_) => None,
            Graph::There(remote) => Some(remote.url().into()),
        }
    }
}
