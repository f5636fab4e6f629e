//! The plan for the administrator's command, without the network.

use crate::api::plan::NightBody;
use crate::handle::{Handle, said};
use crate::output::Output;
use crate::plan::shown::{self, PlanQuery};

impl Handle {
    /// What runs until a time to come, device by device, with when or why not.
    pub async fn show_plan(
        &self,
        query: &PlanQuery,
        output: Output,
    ) -> anyhow::Result<Vec<String>> {
        let plan = shown::plan(&self.app, query).await.map_err(said)?;
        if output == Output::Json {
            return Ok(vec![serde_json::to_string(&NightBody::from(plan))?]);
        }
        Ok(plan.to_text().lines().map(str::to_owned).collect())
    }
}
