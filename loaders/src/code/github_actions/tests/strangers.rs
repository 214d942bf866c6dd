//! What strangers and writers can do with a job.

use super::{shown, workflow};

const CHECKOUT: &str =
    "{uses: actions/checkout@v4, with: {ref: '${{ github.event.pull_request.head.sha }}'}}";

#[test]
fn proposals_of_strangers() {
    let make = "{run: make}";
    let head = CHECKOUT;
    for (title, on, own, steps, expected) in [
        ("the classic", "pull_request_target", "", format!("{head}, {make}"), "true true none"),
        ("an own action of the proposal", "pull_request_target", "", format!("{head}, {{uses: ./build}}"), "true true none"),
        ("without rights for forks", "pull_request", "", format!("{head}, {make}"), "false false -"),
        ("what the repository itself holds", "pull_request_target", "", format!("{{uses: actions/checkout@v4}}, {make}"), "true false none"),
        ("nothing checked out", "pull_request_target", "", make.into(), "true false none"),
        ("fetched after the last command", "pull_request_target", "", format!("{make}, {head}"), "true - none"),
        ("only looked at", "pull_request_target", "", format!("{head}, {{run: git diff --stat | tee out}}"), "true - none"),
        ("only handed to an action", "pull_request_target", "", format!("{head}, {{uses: some/linter@v1}}"), "true - none"),
        ("forks kept out", "pull_request_target", "if: github.event.pull_request.head.repo.full_name == github.repository", format!("{head}, {make}"), "false false -"),
        ("forks kept out of one step", "pull_request_target", "", format!("{head}, {{run: make, if: '!github.event.pull_request.head.repo.fork'}}"), "true - none"),
        ("a label each time, the commit that it was put on", "{pull_request_target: {types: [labeled]}}", "if: github.event.label.name == 'ok'", format!("{head}, {make}"), "true true required"),
        ("a label that stays", "pull_request_target", "if: contains(github.event.pull_request.labels.*.name, 'ok')", format!("{head}, {make}"), "true true once"),
        ("a label each time, whatever the branch is by then", "{pull_request_target: {types: [labeled]}}", "", format!("{{uses: actions/checkout@v4, with: {{ref: 'refs/pull/${{{{ github.event.number }}}}/merge'}}}}, {make}"), "true true once"),
        ("an environment whose reviewers are a setting", "pull_request_target", "environment: outside", format!("{head}, {make}"), "true true -"),
        ("members only", "issue_comment", "if: github.event.comment.author_association == 'MEMBER'", format!("{{run: gh pr checkout 1}}, {make}"), "false false -"),
        ("whoever says so", "issue_comment", "if: github.event.issue.pull_request && startsWith(github.event.comment.body, '/test')", format!("{{run: 'gh pr checkout ${{{{ github.event.issue.number }}}}'}}, {make}"), "true true none"),
        ("an action asks who it is", "issue_comment", "", format!("{{uses: actions-cool/check-user-permission@v2}}, {{run: gh pr checkout 1}}, {make}"), "- - -"),
        ("a setting decides", "pull_request_target", "if: vars.OPEN == 'true'", format!("{head}, {make}"), "- - -"),
        ("a branch of that name in the own repository", "pull_request_target", "", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ github.head_ref }}}}'}}}}, {make}"), "true false none"),
        ("a branch of the fork", "pull_request_target", "", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ github.head_ref }}}}', repository: '${{{{ github.event.pull_request.head.repo.full_name }}}}'}}}}, {make}"), "true true none"),
        ("by a variable", "pull_request_target", "env: {SHA: '${{ github.event.pull_request.head.sha }}'}", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ env.SHA }}}}'}}}}, {make}"), "true true none"),
        ("by a variable of the shell", "pull_request_target", "env: {SHA: '${{ github.event.pull_request.head.sha }}'}", format!("{{run: 'git fetch origin && git checkout \"$SHA\"'}}, {make}"), "true true none"),
        ("by what a step says", "pull_request_target", "", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ steps.x.outputs.sha }}}}'}}}}, {make}"), "true - none"),
        ("kept apart in a folder", "pull_request_target", "", format!("{{uses: actions/checkout@v4, with: {{path: pr, ref: '${{{{ github.event.pull_request.head.sha }}}}'}}}}, {make}"), "true - none"),
        ("used from a folder", "pull_request_target", "", "{uses: actions/checkout@v4, with: {path: pr, ref: '${{ github.event.pull_request.head.sha }}'}}, {run: make, working-directory: ./pr}".into(), "true true none"),
        ("after a run that may be for anything", "{workflow_run: {workflows: [ci]}}", "", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ github.event.workflow_run.head_sha }}}}'}}}}, {make}"), "- - -"),
        ("after a run for a proposal", "{workflow_run: {workflows: [ci]}}", "if: github.event.workflow_run.event == 'pull_request'", format!("{{uses: actions/checkout@v4, with: {{ref: '${{{{ github.event.workflow_run.head_sha }}}}'}}}}, {make}"), "true true -"),
        ("after a push", "{workflow_run: {workflows: [ci]}}", "if: github.event.workflow_run.event == 'push'", make.into(), "false false -"),
        ("called by another", "workflow_call", "", format!("{head}, {make}"), "- - -"),
        ("by a clock", "schedule", "", make.into(), "false false -"),
    ] {
        let text = workflow(on, own, &steps);
        let found = shown(&text, &["privileged_trigger", "checks_out_proposal", "approval"]);
        assert_eq!(found, expected, "{title}\n{text}");
    }
}

#[test]
fn a_job_waits_for_those_it_needs() {
    let text = |needed: &str| {
        format!(
            "on: pull_request_target\njobs:\n  gate: {{runs-on: ubuntu-latest, {needed}, steps: [{{run: 'true'}}]}}\n  j:\n    needs: gate\n    runs-on: ubuntu-latest\n    steps: [{CHECKOUT}, {{run: make}}]\n"
        )
    };
    for (needed, expected) in [
        ("name: gate", "true true none"),
        (
            "if: github.event.pull_request.head.repo.fork == false",
            "false false -",
        ),
        ("environment: approve", "true true -"),
    ] {
        let found = shown(
            &text(needed),
            &["privileged_trigger", "checks_out_proposal", "approval"],
        );
        assert_eq!(found, expected, "{needed}");
    }
}

#[test]
fn text_of_strangers_in_code() {
    for (title, on, own, steps, expected) in [
        (
            "a title",
            "issues",
            "",
            "{run: 'echo \"${{ github.event.issue.title }}\"'}",
            "true",
        ),
        (
            "a title in a variable",
            "issues",
            "",
            "{run: 'echo \"$TITLE\"', env: {TITLE: '${{ github.event.issue.title }}'}}",
            "false",
        ),
        (
            "a variable put into the script",
            "issues",
            "env: {TITLE: '${{ github.event.issue.title }}'}",
            "{run: 'echo ${{ env.TITLE }}'}",
            "true",
        ),
        (
            "a variable of a variable",
            "issues",
            "env: {A: '${{ github.event.issue.title }}', B: 'x ${{ env.A }}'}",
            "{run: 'echo ${{ env.B }}'}",
            "true",
        ),
        (
            "a number",
            "issues",
            "",
            "{run: 'echo ${{ github.event.issue.number }}'}",
            "false",
        ),
        (
            "an account",
            "issue_comment",
            "",
            "{run: 'echo ${{ github.event.comment.user.login }}'}",
            "false",
        ),
        (
            "a comment",
            "issue_comment",
            "",
            "{run: 'echo ${{ github.event.comment.body }}'}",
            "true",
        ),
        (
            "everything",
            "issues",
            "",
            "{run: 'echo ${{ toJSON(github.event) }}'}",
            "true",
        ),
        (
            "everything in a variable",
            "issues",
            "",
            "{run: 'echo \"$ALL\"', env: {ALL: '${{ toJSON(github) }}'}}",
            "false",
        ),
        (
            "a comparison",
            "issues",
            "",
            "{run: \"echo ${{ contains(github.event.issue.title, 'x') }}\"}",
            "false",
        ),
        (
            "either of two",
            "issues",
            "",
            "{run: \"echo ${{ github.event.issue.title || 'none' }}\"}",
            "true",
        ),
        (
            "a part of a sentence",
            "issues",
            "",
            "{run: \"echo ${{ format('{0}!', github.event.issue.title) }}\"}",
            "true",
        ),
        (
            "a branch",
            "pull_request_target",
            "",
            "{run: 'git log ${{ github.head_ref }}'}",
            "true",
        ),
        (
            "a branch, without rights",
            "pull_request",
            "",
            "{run: 'git log ${{ github.head_ref }}'}",
            "false",
        ),
        (
            "a message of a commit that somebody pushed",
            "push",
            "",
            "{run: 'echo ${{ github.event.head_commit.message }}'}",
            "false",
        ),
        (
            "a title that this event does not have",
            "schedule",
            "",
            "{run: 'echo ${{ github.event.issue.title }}'}",
            "false",
        ),
        (
            "the branch of a run before",
            "{workflow_run: {workflows: [ci]}}",
            "if: github.event.workflow_run.event == 'pull_request'",
            "{run: 'echo ${{ github.event.workflow_run.head_branch }}'}",
            "true",
        ),
        (
            "a script of an action",
            "issues",
            "",
            "{uses: actions/github-script@v7, with: {script: 'f(\"${{ github.event.issue.body }}\")'}}",
            "true",
        ),
        (
            "a script that reads it itself",
            "issues",
            "",
            "{uses: actions/github-script@v7, with: {script: 'f(context.payload.issue.body)'}}",
            "false",
        ),
        (
            "an input of an action that is no code",
            "issues",
            "",
            "{uses: some/comment@v1, with: {text: '${{ github.event.issue.body }}'}}",
            "false",
        ),
        (
            "an input of an own action",
            "issues",
            "",
            "{uses: ./comment, with: {text: '${{ github.event.issue.body }}'}}",
            "-",
        ),
        (
            "a condition",
            "issues",
            "",
            "{run: make, if: \"contains(github.event.issue.title, 'x')\"}",
            "false",
        ),
        (
            "what another step says",
            "issues",
            "",
            "{run: 'echo ${{ steps.x.outputs.y }}'}",
            "-",
        ),
        (
            "by index",
            "issues",
            "",
            "{run: \"echo ${{ github['event']['issue']['title'] }}\"}",
            "true",
        ),
        (
            "in a step for members",
            "issues",
            "",
            "{run: 'echo ${{ github.event.issue.title }}', if: \"github.event.issue.author_association == 'OWNER'\"}",
            "false",
        ),
        (
            "in an own form",
            "workflow_dispatch",
            "",
            "{run: 'echo ${{ inputs.version }}'}",
            "false",
        ),
    ] {
        let text = workflow(on, own, steps);
        assert_eq!(shown(&text, &["injectable"]), expected, "{title}\n{text}");
    }
}

#[test]
fn branches_of_writers() {
    for (on, own, expected) in [
        ("push", "", "true"),
        ("push", "if: github.ref == 'refs/heads/main'", "false"),
        ("push", "if: startsWith(github.ref, 'refs/tags/')", "false"),
        ("push", "if: vars.ON == 'true'", "-"),
        (
            "[push, pull_request]",
            "if: github.event_name == 'push' && github.ref_name == 'main'",
            "false",
        ),
        ("{push: {branches: [main]}}", "", "false"),
        (
            "{push: {branches: [main]}, workflow_dispatch: {}}",
            "",
            "true",
        ),
        (
            "{workflow_dispatch: {inputs: {a: {}}}}",
            "if: inputs.a == 'b'",
            "true",
        ),
        ("{push: {tags: ['v*']}}", "", "-"),
        ("pull_request_target", "", "false"),
    ] {
        let text = workflow(on, own, "{run: make}");
        assert_eq!(shown(&text, &["any_branch"]), expected, "{text}");
    }
}

#[test]
fn what_is_called_stands_elsewhere() {
    for (on, expected) in [
        ("pull_request_target", "true - -"),
        ("push", "false false false"),
    ] {
        let text = format!("on: {on}\njobs:\n  j:\n    uses: ./.github/workflows/x.yml\n");
        let found = shown(
            &text,
            &["privileged_trigger", "checks_out_proposal", "injectable"],
        );
        assert_eq!(found, expected, "{on}");
    }
}

/// Labels of issues are no approval of what stands in them.
#[test]
fn whoever_sorts_issues_approves_nothing() {
    let step = "{run: 'echo ${{ github.event.issue.title }}'}";
    let text = workflow("{issues: {types: [labeled]}}", "", step);
    assert_eq!(shown(&text, &["injectable", "approval"]), "true -");
    let step = "{run: 'echo ${{ github.event.pull_request.title }}'}";
    let text = workflow("{pull_request_target: {types: [labeled]}}", "", step);
    assert_eq!(shown(&text, &["injectable", "approval"]), "true required");
}

/// The fields that GitHub's own guide on script injection warns of, each with an event that has it,
/// and one that any stranger can read but not choose freely.
#[test]
fn every_field_that_strangers_choose() {
    let run = "if: github.event.workflow_run.event == 'pull_request'";
    for (event, own, field, expected) in [
        ("issues", "", "issue.title", "true"),
        ("issues", "", "issue.body", "true"),
        ("issue_comment", "", "issue.title", "true"),
        ("issue_comment", "", "comment.body", "true"),
        ("discussion", "", "discussion.title", "true"),
        ("discussion", "", "discussion.body", "true"),
        ("discussion_comment", "", "comment.body", "true"),
        ("gollum", "", "pages.*.page_name", "true"),
        ("fork", "", "forkee.description", "true"),
        ("pull_request_target", "", "pull_request.title", "true"),
        ("pull_request_target", "", "pull_request.body", "true"),
        ("pull_request_target", "", "pull_request.head.ref", "true"),
        ("pull_request_target", "", "pull_request.head.label", "true"),
        (
            "pull_request_target",
            "",
            "pull_request.head.repo.default_branch",
            "true",
        ),
        ("workflow_run", run, "workflow_run.head_branch", "true"),
        ("workflow_run", run, "workflow_run.display_title", "true"),
        (
            "workflow_run",
            run,
            "workflow_run.head_commit.message",
            "true",
        ),
        (
            "workflow_run",
            run,
            "workflow_run.head_commit.author.email",
            "true",
        ),
        (
            "workflow_run",
            run,
            "workflow_run.head_commit.author.name",
            "true",
        ),
        (
            "workflow_run",
            run,
            "workflow_run.pull_requests[0].head.ref",
            "true",
        ),
        ("issues", "", "issue.user.login", "false"),
        ("pull_request_target", "", "pull_request.head.sha", "false"),
        (
            "pull_request_target",
            "",
            "pull_request.head.repo.full_name",
            "false",
        ),
        ("pull_request_target", "", "pull_request.base.ref", "false"),
        ("workflow_run", run, "workflow_run.id", "false"),
    ] {
        let step = format!("{{run: 'echo ${{{{ github.event.{field} }}}}'}}");
        let text = workflow(event, own, &step);
        assert_eq!(shown(&text, &["injectable"]), expected, "{text}");
    }
}
