//! What a rule costs at most, counted from its text: every part is taken to be worked out.

use super::bounds::LIST_LENGTH_ASSUMED;
use super::syntax::{Node, Syntax};

/// The cost of a part with all that is within. A list of values costs one however long it is, since it is searched by hash.
pub(super) fn cost(node: &Node) -> u64 {
    match &node.syntax {
        Syntax::Null | Syntax::Bool(_) | Syntax::Int(_) | Syntax::Double(_) | Syntax::Text(_) => 1,
        Syntax::Instant(_) | Syntax::Duration(_) | Syntax::List(_) | Syntax::Name(_) | Syntax::Has(_) => 1,
        Syntax::Not(inner) | Syntax::Negate(inner) => cost(inner).saturating_add(1),
        Syntax::And(terms) | Syntax::Or(terms) => sum(terms).saturating_add(terms.len() as u64).saturating_sub(1),
        Syntax::Compare(_, sides) | Syntax::Arithmetic(_, sides) => sum(&sides[..]).saturating_add(1),
        Syntax::In(sides) => {
            let searching = if matches!(sides[1].syntax, Syntax::List(_)) { 1 } else { length(&sides[1]) };
            sum(&sides[..]).saturating_add(searching)
        }
        Syntax::Choose(parts) => sum(&parts[..]).saturating_add(1),
        Syntax::One(function, value) => cost(value).saturating_add(function.cost()),
        Syntax::Two(function, values) => sum(&values[..]).saturating_add(function.cost()),
        Syntax::Loop(_, looped) => {
            let rounds = cost(&looped.body).saturating_add(1).saturating_mul(length(&looped.list));
            cost(&looped.list).saturating_add(rounds).saturating_add(1)
        }
    }
}

/// How long a list is, or is taken to be.
fn length(list: &Node) -> u64 {
    if let Syntax::List(values) = &list.syntax {
        values.len() as u64
    } else if let Syntax::Choose(parts) = &list.syntax {
        length(&parts[1]).max(length(&parts[2]))
    } else {
        LIST_LENGTH_ASSUMED
    }
}

fn sum(nodes: &[Node]) -> u64 {
    nodes.iter().fold(0, |sum: u64, node| sum.saturating_add(cost(node)))
}
